import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { expect, it } from 'vitest';

const root = path.resolve(import.meta.dirname, '../..');
const require = createRequire(import.meta.url);
const { icons } = require('@iconify-json/fluent-emoji-flat/icons.json') as {
  icons: Record<string, { body: string }>;
};

it('finds an icon for every picture that the demo catalogue names', () => {
  const demo = readFileSync(path.join(root, 'demo/products.csv'), 'utf8');
  const names = [...demo.matchAll(/\/media\/([a-z0-9-]+)\.svg/g)].map((match) => match[1] ?? '');
  expect(names.length).toBeGreaterThan(60);
  expect(names.filter((name) => icons[name] === undefined)).toEqual([]);
});
