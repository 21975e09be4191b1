import { expect, test } from 'vitest';
import { type CountHistory, emptyCountHistory, recordCount } from './count-history.ts';
import { highestForecast, requestsSoFar } from './visit-forecast.ts';

const profile = { requestsPerVisit: 6, visitMs: 20_000 };
const stepMs = 250;

/** Visitors at `perSecond(t)` from 0 until `untilMs`, counted four times a second. */
function visits(untilMs: number, perSecond: (ms: number) => number): CountHistory {
  let history = emptyCountHistory;
  let total = 0;
  for (let at = 0; at <= untilMs; at += stepMs) {
    history = recordCount(history, total, at, profile.visitMs);
    total += (perSecond(at) * stepMs) / 1_000;
  }
  return history;
}

test('A steady crowd is expected to ask for as much as it does', () => {
  const forecast = highestForecast(
    visits(60_000, () => 5),
    5,
    profile,
    60_000,
    5_000,
  );
  expect(forecast).toBeCloseTo(5 * profile.requestsPerVisit, 0);
});

test('A crowd that has just begun asks for more soon, and not yet for all', () => {
  const begun = visits(30_000, (at) => (at < 29_000 ? 0 : 5));
  const now = highestForecast(begun, 5, profile, 30_000, 0);
  const soon = highestForecast(begun, 5, profile, 30_000, 5_000);
  expect(now).toBeLessThan(5);
  expect(soon).toBeGreaterThan(10);
  expect(soon).toBeLessThan(20);
});

test('When nobody comes any more the forecast falls, and is over when the last visit is', () => {
  const at = (now: number) => {
    const crowd = visits(now, (ms) => (ms < 30_000 ? 5 : 0));
    return highestForecast(crowd, 0, profile, now, 5_000);
  };
  expect(at(30_000)).toBeCloseTo(30, 0);
  expect(at(40_000)).toBeGreaterThan(5);
  expect(at(40_000)).toBeLessThan(15);
  expect(at(51_000)).toBe(0);
});

test('Looking further ahead never forecasts less', () => {
  const crowd = visits(40_000, (at) => (at < 30_000 ? 2 : 8));
  const within = [0, 1_000, 5_000, 10_000].map((ms) =>
    highestForecast(crowd, 8, profile, 40_000, ms),
  );
  expect(within).toEqual(within.toSorted((a, b) => a - b));
});

test('A steady crowd reaches its rate when its first visitors leave', () => {
  expect(requestsSoFar(5, profile, 0)).toBe(0);
  expect(requestsSoFar(5, profile, 10_000)).toBeCloseTo(22.5);
  expect(requestsSoFar(5, profile, 20_000)).toBeCloseTo(30);
  expect(requestsSoFar(5, profile, 90_000)).toBeCloseTo(30);
});
