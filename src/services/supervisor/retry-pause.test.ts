import { expect, test } from 'vitest';
import { RetryPause } from './retry-pause.ts';

test('What fails at once each time is tried a dozen times in a minute, not thousands', () => {
  const pause = new RetryPause();
  let tries = 0;
  for (let now = 0; now < 60_000; now += 1) {
    if (!pause.mayTry('start pg-2', now)) continue;
    tries += 1;
    pause.failed('start pg-2', 'no space left on device', now);
  }
  expect(tries).toBeGreaterThan(10);
  expect(tries).toBeLessThan(25);
});

test('A reason is new once in a row of failures', () => {
  const pause = new RetryPause();
  const isNew = ['full', 'full', 'read-only', 'full'].map((why) => pause.failed('a', why, 0));
  expect(isNew).toEqual([true, false, true, false]);
  pause.succeeded('a');
  expect(pause.isFailing('a')).toBe(false);
  expect(pause.mayTry('a', 0)).toBe(true);
  expect(pause.failed('a', 'full', 0)).toBe(true);
});

test('One that fails holds up no other', () => {
  const pause = new RetryPause();
  pause.failed('start pg-2', 'full', 0);
  expect(pause.mayTry('start pg-3', 0)).toBe(true);
  expect(pause.mayTry('start pg-2', 0)).toBe(false);
});
