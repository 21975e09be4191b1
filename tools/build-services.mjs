/**
 * Bundles the services into build/services/<role>/main.js, threads of theirs into *-thread.js
 * beside it, what they share into shared/ beside them.
 *
 * They run as TypeScript just as well; this is for the time and the processors that a start takes.
 * A process then reads a handful of files instead of some hundreds. The folders lie as deep as
 * those of src/services, so that paths beside a service's own file hold, and the migrations are
 * copied beside the bundles. Nothing is minified: stack traces name our functions.
 *
 * A shop may be running from the bundles of before, so they stay until the new ones are whole.
 */
import { existsSync, rmSync } from 'node:fs';
import { cp, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const finalDir = path.join(root, 'build', 'services');
const outDir = `${finalDir}.${process.pid}`; // as deep as the final one
const sources = path.join(root, 'src', 'services');
/** All but the supervisor, which starts them. */
const roles = (await readdir(sources)).filter((role) => {
  return role !== 'supervisor' && existsSync(path.join(sources, role, 'main.ts'));
});
/** Binaries, and what is looked for and may be missing. */
const notBundled = ['@node-rs/argon2', 'pg-native'];

/** As [name of the bundle, source]. */
async function entriesOf(role) {
  const files = await readdir(path.join(sources, role));
  const entries = files.filter((file) => file === 'main.ts' || file.endsWith('-thread.ts'));
  return entries.map((file) => [
    `${role}/${path.parse(file).name}`,
    path.join(sources, role, file),
  ]);
}

const startedAt = performance.now();
process.on('exit', (code) => {
  if (code !== 0) rmSync(outDir, { recursive: true, force: true });
});
await build({
  root,
  configFile: false,
  logLevel: 'warn',
  ssr: { noExternal: true, external: notBundled },
  build: {
    ssr: true,
    outDir,
    target: 'node24',
    copyPublicDir: false,
    rolldownOptions: {
      input: Object.fromEntries(await Promise.all(roles.map(entriesOf)).then((all) => all.flat())),
      output: { entryFileNames: '[name].js', chunkFileNames: 'shared/[name]-[hash].js' },
    },
  },
});
for (const role of roles) {
  const folder = path.join(role, 'migrations');
  if (!existsSync(path.join(sources, folder))) continue;
  await cp(path.join(sources, folder), path.join(outDir, folder), { recursive: true });
}
await rm(finalDir, { recursive: true, force: true });
await rename(outDir, finalDir);
const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
console.log(`services: ${roles.length} bundled in ${seconds} s`);
