import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { checkSettings, serversWanted, settings, unknownSettings } from './settings.ts';

const root = path.resolve(import.meta.dirname, '../../..');
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');

test('Each tier has a plural that one would guess', () => {
  const env = { DOORBUSTER_ORDERS: '2', DOORBUSTER_CUSTOMERS: '3', DOORBUSTER_GATEWAYS: '4' };
  expect(['orders', 'customers', 'gateway', 'worker'].map((role) => serversWanted(role, env))) //
    .toEqual([2, 3, 4, 1]);
});

test('A name that nobody knows is said, others are let alone', () => {
  const env = { DOORBUSTER_ORDERSS: '2', DOORBUSTER_ORDERS: '2', HOME: '/home/ada' };
  const [sentence, ...more] = unknownSettings(env);
  expect(sentence).toContain('DOORBUSTER_ORDERSS is no setting of this shop');
  expect(more).toEqual([]);
});

test.each([
  ['PORT', '80a'],
  ['DOORBUSTER_TRUSTED_PROXIES', '10.0.0.0/33'],
  ['DOORBUSTER_HOSTS', 'https://shop.example'],
  ['DOORBUSTER_WORKERS', 'many'],
  ['DOORBUSTER_ORDERS', '1.5'],
  ['DOORBUSTER_SCALING', 'OFF'],
  ['DOORBUSTER_BACKUPS_KEPT', '0'],
  ['DOORBUSTER_PAYMENT_FAILURE_RATE', '2'],
])('%s=%s stops the start with a sentence', (name, value) => {
  expect(() => checkSettings({ [name]: value })).toThrow(
    new RegExp(`^${name} must be .*"${value}"`),
  );
  expect(() => checkSettings({ [name]: '' })).not.toThrow();
});

test('README has a line for every setting, and the code reads no other of a user', () => {
  const readme = read('README.md');
  expect(Object.keys(settings).filter((name) => !readme.includes(`\`${name}\``))).toEqual([]);
  const setByUs: string[] =
    read('ARCHITECTURE.md').match(/\b(DOORBUSTER|STRIPE)_[A-Z_]+[A-Z]\b/g) ?? [];
  const found = execFileSync('git', ['grep', '-ohE', "'(DOORBUSTER|STRIPE)_[A-Z_]+[A-Z]'", 'src'], {
    cwd: root,
    encoding: 'utf8',
  });
  const names = new Set(found.replaceAll("'", '').trim().split('\n'));
  names.delete('DOORBUSTER_ORDERSS'); // the misspelling above
  expect(names.size).toBeGreaterThan(20);
  expect([...names].filter((name) => !(name in settings) && !setByUs.includes(name))).toEqual([]);
});
