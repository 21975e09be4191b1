import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readBehaviour } from './test-provider-behaviour.ts';

let folder = '';
const usual = { latencyMs: 5, failureRate: 0 };

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'behaviour-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

it('is as usual without a file, follows the file, and is as usual again without it', () => {
  const file = path.join(folder, 'test-provider.json');
  let time = 0;
  const behaviour = readBehaviour(file, usual, () => time);
  expect(behaviour()).toEqual(usual);
  writeFileSync(file, '{"failureRate": 1}');
  expect(behaviour()).toEqual(usual);
  time += 200;
  expect(behaviour()).toEqual({ latencyMs: 5, failureRate: 1 });
  rmSync(file);
  time += 200;
  expect(behaviour()).toEqual(usual);
});

it('takes a file that it cannot read for none', () => {
  const file = path.join(folder, 'test-provider.json');
  writeFileSync(file, '{"latencyMs": 15');
  expect(readBehaviour(file, usual)()).toEqual(usual);
});
