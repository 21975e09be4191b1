// `npm run check`: the whole gate, the same locally and in CI. Stops at the first failure.
import { spawnSync } from 'node:child_process';

const withTests = !process.argv.includes('--no-tests');
const steps = [
  ['types', ['node_modules/typescript/bin/tsc', '-p', '.']],
  ['style', ['node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.']],
  ['unused', ['node_modules/knip/bin/knip.js']],
  ...(withTests ? [['tests', ['node_modules/vitest/vitest.mjs', 'run']]] : []),
];

for (const [name, args] of steps) {
  process.stdout.write(`\n== ${name}\n`);
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' });
  if (status !== 0) {
    process.stdout.write(`\n${name} failed\n`);
    process.exit(status ?? 1);
  }
}
