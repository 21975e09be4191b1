import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { followMood } from './test-provider-mood.ts';

let folder = '';
const usual = { latencyMs: 5, failureRate: 0 };

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'mood-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

it('is as usual without a file, follows the file, and is as usual again without it', () => {
  const file = path.join(folder, 'test-provider.json');
  let time = 0;
  const mood = followMood(file, usual, () => time);
  expect(mood()).toEqual(usual);
  writeFileSync(file, '{"failureRate": 1}');
  expect(mood()).toEqual(usual);
  time += 200;
  expect(mood()).toEqual({ latencyMs: 5, failureRate: 1 });
  rmSync(file);
  time += 200;
  expect(mood()).toEqual(usual);
});

it('takes a file that it cannot read for none', () => {
  const file = path.join(folder, 'test-provider.json');
  writeFileSync(file, '{"latencyMs": 15');
  expect(followMood(file, usual)()).toEqual(usual);
});
