import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { identityFiles, readIdentity } from '../../kit/cluster/internal-tls.ts';
import { keepIdentity } from './internal-identity.ts';

const now = new Date('2026-11-25T12:00:00Z');
let folder: string;

beforeEach(() => {
  folder = path.join(mkdtempSync(path.join(tmpdir(), 'doorbuster-identity-')), 'internal');
});

afterEach(() => rmSync(path.dirname(folder), { recursive: true }));

test('an identity is kept from start to start, and nobody else can read its key', async () => {
  await keepIdentity(folder, now);
  const first = readIdentity(folder);
  await keepIdentity(folder, now);
  expect(readIdentity(folder)).toEqual(first);
  expect(statSync(path.join(folder, identityFiles.key)).mode & 0o077).toBe(0);
});

test('one that runs out within the life of a supervisor is made anew', async () => {
  await keepIdentity(folder, now);
  const first = readIdentity(folder);
  await keepIdentity(folder, new Date('2030-01-01T00:00:00Z'));
  expect(readIdentity(folder).cert).not.toBe(first.cert);
});

test('a half of an old one beside a new half is made anew as a whole', async () => {
  await keepIdentity(folder, now);
  const oldKey = readFileSync(path.join(folder, identityFiles.key));
  rmSync(folder, { recursive: true });
  await keepIdentity(folder, now);
  const mixed = readIdentity(folder);
  writeFileSync(path.join(folder, identityFiles.key), oldKey);
  await keepIdentity(folder, now);
  expect(readIdentity(folder).cert).not.toBe(mixed.cert);
  expect(readIdentity(folder).key).not.toBe(oldKey.toString());
});
