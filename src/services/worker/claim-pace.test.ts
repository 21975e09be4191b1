import { expect, test } from 'vitest';
import { ClaimPace, gatherCount } from './claim-pace.ts';

const limit = 256;

test('While the processors have time, the next claim follows at once', () => {
  const pace = new ClaimPace(() => false);
  expect(pace.waitMs(1_000)).toBeLessThanOrEqual(0);
  pace.claimed(5, limit, 1_000);
  expect(pace.waitMs(1_000)).toBe(0);
});

test('While they are full, until gatherCount has come, for at most a fifth of a second', () => {
  const pace = new ClaimPace(() => true);
  pace.claiming();
  pace.claimed(3, limit, 1_000);
  expect(pace.waitMs(1_000)).toBe(200);
  pace.arrived(gatherCount - 1);
  expect(pace.waitMs(1_020)).toBe(180);
  pace.arrived(1);
  expect(pace.waitMs(1_030)).toBe(0);
});

test('Who was claimed is no gatherCount for the next; who came during the claim is', () => {
  const pace = new ClaimPace(() => true);
  pace.arrived(150);
  pace.claiming();
  pace.arrived(gatherCount - 8);
  pace.claimed(150, limit, 1_000);
  expect(pace.waitMs(1_000)).toBe(200);
  pace.arrived(7);
  expect(pace.waitMs(1_000)).toBe(200);
  pace.arrived(1);
  expect(pace.waitMs(1_000)).toBe(0);
});

test('What another worker claimed is no gatherCount either', () => {
  const pace = new ClaimPace(() => true);
  pace.arrived(150);
  pace.claiming();
  pace.claimed(10, limit, 1_000); // all that was left: another worker has the others
  expect(pace.waitMs(1_000)).toBe(200);
  pace.claiming();
  pace.arrived(130);
  pace.claimed(130, limit, 1_200); // notified during the claim, and in it
  expect(pace.waitMs(1_200)).toBe(200);
});

test('Nothing is waited for behind a claim that found nothing, or left some behind', () => {
  const pace = new ClaimPace(() => true);
  pace.claimed(0, limit, 1_000);
  expect(pace.waitMs(1_000)).toBe(0);
  pace.claimed(limit, limit, 1_010);
  expect(pace.waitMs(1_010)).toBe(0);
});

test('A clock that is set back delays no claim', () => {
  const pace = new ClaimPace(() => true);
  pace.claimed(1, limit, 3_600_000);
  expect(pace.waitMs(1_000)).toBe(0);
});
