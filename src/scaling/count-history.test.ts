import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  agreedRate,
  type CountHistory,
  countBetween,
  emptyCountHistory,
  recordCount,
} from './count-history.ts';

const keepMs = 30_000;
const tunables = {
  windowsMs: [1000, 2000, 4000, 8000, 16_000, 28_000],
  riseSigmas: 2.5,
  fallSigmas: 2,
};

/** A counter read every 250 ms, growing at `rateAt(second)` per second without noise. */
function counted(seconds: number, rateAt: (second: number) => number): CountHistory {
  let history = emptyCountHistory;
  let total = 0;
  for (let at = 0; at <= seconds * 1000; at += 250) {
    history = recordCount(history, Math.floor(total), at, keepMs);
    total += rateAt(at / 1000) / 4;
  }
  return history;
}

describe('a counter over time', () => {
  test('a reset by a restart counts as standing still, not as a fall', () => {
    let history = recordCount(emptyCountHistory, 500, 0, keepMs);
    history = recordCount(history, 520, 1000, keepMs);
    history = recordCount(history, 3, 2000, keepMs);
    history = recordCount(history, 8, 3000, keepMs);
    expect(countBetween(history, 0, 3000)).toEqual({ count: 25, spanMs: 3000 });
  });

  test('what was counted before the first reading is not taken for an arrival', () => {
    const history = recordCount(emptyCountHistory, 1_000_000, 0, keepMs);
    expect(agreedRate(recordCount(history, 1_000_000, 250, keepMs), 1, 250, tunables)).toBe(0);
  });

  test('only as much is kept as the longest window needs', () => {
    const history = counted(300, () => 10);
    expect(history.samples.length).toBeLessThanOrEqual(keepMs / 250 + 2);
    expect(countBetween(history, 300_000 - keepMs, 300_000).spanMs).toBe(keepMs);
  });

  test('the total never falls, whatever the readings', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1000), { minLength: 2, maxLength: 60 }), (readings) => {
        let history = emptyCountHistory;
        readings.forEach((reading, index) => {
          history = recordCount(history, reading, index * 250, keepMs);
        });
        const totals = history.samples.map((sample) => sample.total);
        expect(totals).toEqual(totals.toSorted((left, right) => left - right));
      }),
    );
  });
});

describe('the rate that all windows agree on', () => {
  test('a steady crowd is measured as it is', () => {
    expect(
      agreedRate(
        counted(60, () => 10),
        1,
        60_000,
        tunables,
      ),
    ).toBeCloseTo(10, 0);
  });

  test('a step up is seen within two seconds', () => {
    const history = counted(62, (second) => (second < 60 ? 10 : 60));
    expect(agreedRate(history, 1, 62_000, tunables)).toBeGreaterThan(45);
  });

  test('a crowd that left is gone within the shorter windows', () => {
    const history = counted(72, (second) => (second < 60 ? 40 : 0));
    expect(agreedRate(history, 1, 72_000, tunables)).toBe(0);
  });

  test('a single visitor in the first quarter second is not a crowd', () => {
    const history = recordCount(recordCount(emptyCountHistory, 0, 0, keepMs), 1, 250, keepMs);
    expect(agreedRate(history, 1, 250, tunables)).toBe(1);
  });

  test('clumped counts need more to overrule the long windows', () => {
    const history = counted(61, (second) => (second < 60 ? 20 : 60));
    const smooth = agreedRate(history, 1, 61_000, tunables);
    const clumped = agreedRate(history, 6, 61_000, tunables);
    expect(smooth).toBeGreaterThan(45);
    expect(clumped).toBeLessThan(25);
  });
});
