import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

const root = path.resolve(import.meta.dirname, '../../../..');
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');

test('ARCHITECTURE explains every step that the log of the supervisor names', () => {
  const kinds = read('src/replication/action.ts').matchAll(/readonly kind: '([a-z-]+)'/g);
  const names = [...kinds].map((match) => match[1] ?? '');
  expect(names.length).toBeGreaterThan(8);
  const table = read('ARCHITECTURE.md')
    .split('\n')
    .filter((line) => line.startsWith('|'));
  const explained = table.map((line) => line.split('|')[1]).join();
  expect(names.filter((name) => !explained.includes(`\`${name}\``))).toEqual([]);
});
