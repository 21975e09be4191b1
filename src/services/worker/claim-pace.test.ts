import { expect, test } from 'vitest';
import { ClaimPace } from './claim-pace.ts';

const limit = 256;

test('While the processors have time, the next claim follows at once', () => {
  const pace = new ClaimPace(() => false);
  expect(pace.waitMs(1_000)).toBeLessThanOrEqual(0);
  pace.claimed(5, limit, 1_000);
  expect(pace.waitMs(1_000)).toBe(0);
});

test('While they are full, as long as the company needs to come', () => {
  const pace = new ClaimPace(() => true);
  pace.claimed(1, limit, 1_000);
  pace.claimed(32, limit, 1_030); // 32 in 30 ms: 128 in 120 ms
  expect(pace.waitMs(1_030)).toBe(120);
  expect(pace.waitMs(1_100)).toBe(50);
  pace.claimed(128, limit, 1_150); // enough: no longer than since the claim before
  expect(pace.waitMs(1_150)).toBe(120);
});

test('Never longer than a fifth of a second, however few come', () => {
  const pace = new ClaimPace(() => true);
  pace.claimed(1, limit, 1_000);
  expect(pace.waitMs(1_000)).toBe(200);
});

test('Nothing is waited for behind a claim that found nothing, or left some behind', () => {
  const pace = new ClaimPace(() => true);
  pace.claimed(0, limit, 1_000);
  expect(pace.waitMs(1_000)).toBe(0);
  pace.claimed(limit, limit, 1_010);
  expect(pace.waitMs(1_010)).toBe(0);
});

test('A clock that is set back keeps nobody waiting', () => {
  const pace = new ClaimPace(() => true);
  pace.claimed(1, limit, 3_600_000);
  expect(pace.waitMs(1_000)).toBe(0);
});
