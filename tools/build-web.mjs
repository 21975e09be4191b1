/**
 * Builds everything that browsers are sent, into web/dist:
 *
 *   client/      files by their public path: hashed modules, styles and fonts under assets/
 *   server/      one module that turns an address into a page; the storefront service loads it
 *   media/       a picture for every toy of the demo catalogue, and the shop's own illustrations
 *   assets.json  which files a page loads; written last, so that a broken build counts as none
 *
 * The same inputs give the same bytes. Pictures keep their names, which the catalogue holds; pages
 * add the pictures' version to the address, so that caches may keep them for ever.
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import {
  burstToys,
  composePicture,
  composeScene,
  composeSticker,
} from '../web/pictures/compose-pictures.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const web = path.join(root, 'web');
const dist = path.join(web, 'dist');
const configFile = path.join(web, 'vite.config.ts');
const iconSet = 'node_modules/@iconify-json/fluent-emoji-flat/icons.json';

const illustrations = [
  'broken-heart',
  'detective',
  'door',
  'party-popper',
  'shopping-bags',
  'sleeping-face',
  'teddy-bear',
];
/** Shown for a demo picture that the icon set does not have. */
const fallbackIcon = 'wrapped-gift';
const compressible = /\.(?:js|css|svg|txt|json)$/;
const compressedBytesMin = 1_024;

async function main() {
  const startedAt = performance.now();
  await rm(dist, { recursive: true, force: true });
  const pictures = await writePictures();
  const { build } = await import('vite');
  process.env.VITE_PICTURES_VERSION = pictures.version;
  await build({ configFile });
  await build({ configFile, build: { ssr: true } });
  const compressed = await compressAll();
  const assets = await writeAssets(pictures.version);

  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  console.log(`web: ${pictures.count} pictures, ${compressed} files compressed, in ${seconds} s`);
  for (const [name, bytes] of await scriptSizes(assets)) {
    console.log(`web: ${name} ${(bytes / 1_024).toFixed(1)} KiB with gzip`);
  }
}

/** Files below a folder, sorted, as paths from the root. */
async function filesBelow(place) {
  const entries = await readdir(path.join(root, place), { withFileTypes: true });
  const below = entries.map((entry) => {
    const inside = `${place}/${entry.name}`;
    return entry.isDirectory() ? filesBelow(inside) : [inside];
  });
  return (await Promise.all(below)).flat().sort();
}

/** Turns Vite's manifest into what the pages need to know. */
async function writeAssets(picturesVersion) {
  const manifestFile = path.join(dist, 'client', '.vite', 'manifest.json');
  const manifest = JSON.parse(await readFile(manifestFile, 'utf8'));
  await rm(path.dirname(manifestFile), { recursive: true });
  const entry = manifest['storefront/client.ts'];
  const withImports = (key, seen = new Set()) => {
    if (seen.has(key)) return seen;
    seen.add(key);
    for (const each of manifest[key].imports ?? []) withImports(each, seen);
    return seen;
  };
  const react = entry.dynamicImports.filter((key) => !key.startsWith('storefront/'));
  const islands = entry.dynamicImports
    .filter((key) => key.startsWith('storefront/islands/'))
    .map((key) => {
      const modules = [key, ...react].flatMap((each) => [...withImports(each)]);
      const files = modules.map((each) => `/${manifest[each].file}`);
      const own = [...new Set(files)].filter((file) => file !== `/${entry.file}`);
      return [path.basename(key, '.tsx'), own.sort()];
    });
  const fonts = Object.values(manifest)
    .map(({ file }) => `/${file}`)
    .filter((file) => /-latin-wght-normal[^/]*\.woff2$/.test(file));
  const assets = {
    stylesheets: entry.css.map((file) => `/${file}`),
    fonts: fonts.sort(),
    script: `/${entry.file}`,
    islands: Object.fromEntries(islands),
    picturesVersion,
  };
  await writeFile(path.join(dist, 'assets.json'), `${JSON.stringify(assets, null, 2)}\n`);
  return assets;
}

/** Names of the demo catalogue's pictures, e.g. `teddy-bear` of `/media/teddy-bear.svg`. */
async function demoPictures() {
  const files = (await filesBelow('demo')).filter((file) => file.endsWith('.csv'));
  const texts = await Promise.all(files.map((file) => readFile(path.join(root, file), 'utf8')));
  const names = texts.flatMap((text) =>
    [...text.matchAll(/\/media\/([a-z0-9-]+)\.svg/g)].map(([, name]) => name),
  );
  return [...new Set(names)].sort();
}

async function writePictures() {
  const { icons } = JSON.parse(await readFile(path.join(root, iconSet), 'utf8'));
  const media = path.join(dist, 'media');
  await mkdir(path.join(media, 'sticker'), { recursive: true });
  const bodyOf = (name) => {
    if (icons[name] === undefined) console.warn(`web: no icon is called ${name}; a gift instead`);
    return (icons[name] ?? icons[fallbackIcon]).body;
  };
  const names = await demoPictures();
  const scene = new Map(burstToys.map((name) => [name, bodyOf(name)]));
  const pictures = [
    ['scene.svg', composeScene((name) => scene.get(name))],
    ...names.map((name) => [`${name}.svg`, composePicture(name, bodyOf(name))]),
    ...illustrations.map((name) => [`sticker/${name}.svg`, composeSticker(bodyOf(name))]),
  ];
  await Promise.all(pictures.map(([file, svg]) => writeFile(path.join(media, file), svg)));
  const hash = createHash('sha256');
  for (const [file, svg] of pictures) hash.update(`${file} ${svg}`);
  return { count: pictures.length, version: hash.digest('base64url').slice(0, 10) };
}

/** Puts .br and .gz beside each text file, so that nothing is compressed while serving. */
async function compressAll() {
  const places = ['web/dist/client', 'web/dist/media'];
  const files = (await Promise.all(places.map(filesBelow))).flat();
  const worth = [];
  for (const file of files.filter((each) => compressible.test(each))) {
    const bytes = await readFile(path.join(root, file));
    if (bytes.length >= compressedBytesMin) worth.push([path.join(root, file), bytes]);
  }
  const params = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY };
  await Promise.all(
    worth.map(async ([file, bytes]) => {
      await writeFile(`${file}.br`, await promisify(brotliCompress)(bytes, { params }));
      await writeFile(`${file}.gz`, await promisify(gzip)(bytes, { level: 9 }));
    }),
  );
  return worth.length;
}

/** What each kind of page loads, compressed. */
async function scriptSizes({ script, stylesheets, islands }) {
  const size = async (file) => {
    const bytes = await readFile(path.join(dist, 'client', file));
    return (await promisify(gzip)(bytes, { level: 9 })).length;
  };
  const sum = async (files) => (await Promise.all(files.map(size))).reduce((a, b) => a + b, 0);
  return Promise.all([
    sum(stylesheets).then((bytes) => ['styles', bytes]),
    sum([script]).then((bytes) => ['script of every page', bytes]),
    ...Object.entries(islands).map(async ([name, files]) => [
      `script with ${name}`,
      await sum([script, ...files]),
    ]),
  ]);
}

await main();
