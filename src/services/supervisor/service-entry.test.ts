import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { areBundlesCurrent, serviceEntry } from './service-entry.ts';

const builtAt = 1_000_000;
const stamp = 'build/services/.doorbuster-sources';
const sources = ['src/kit/log.ts', 'src/kit/log.test.ts', 'package-lock.json'];
let root = '';

function at(place: string, seconds: number): void {
  utimesSync(path.join(root, place), seconds, seconds);
}

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'doorbuster-entry-'));
  mkdirSync(path.join(root, 'src/kit'), { recursive: true });
  mkdirSync(path.join(root, path.dirname(stamp)), { recursive: true });
  for (const file of [...sources, stamp]) writeFileSync(path.join(root, file), '');
  for (const place of ['src', 'src/kit', ...sources]) at(place, builtAt - 1);
  at(stamp, builtAt);
});

afterEach(() => rmSync(root, { recursive: true }));

test('Bundles are current when they are younger than all that they are made from', () => {
  expect(areBundlesCurrent(root)).toBe(true);
});

test('Without bundles nothing is current', () => {
  rmSync(path.join(root, stamp));
  expect(areBundlesCurrent(root)).toBe(false);
});

test.each(['src/kit/log.ts', 'package-lock.json'])('A change of %s makes them stale', (file) => {
  at(file, builtAt + 1);
  expect(areBundlesCurrent(root)).toBe(false);
});

test('A file that came or went makes them stale', () => {
  rmSync(path.join(root, 'src/kit/log.ts'));
  expect(areBundlesCurrent(root)).toBe(false);
});

test('A changed test does not', () => {
  at('src/kit/log.test.ts', builtAt + 1);
  expect(areBundlesCurrent(root)).toBe(true);
});

test('A bundle that was removed while the supervisor ran is started from its source', () => {
  const bundle = path.join(root, 'build/services/worker/main.js');
  mkdirSync(path.dirname(bundle));
  writeFileSync(bundle, '');
  expect(serviceEntry('worker', root)).toBe(bundle);
  rmSync(path.join(root, 'build'), { recursive: true });
  expect(serviceEntry('worker', root)).toBe(path.join(root, 'src/services/worker/main.ts'));
});
