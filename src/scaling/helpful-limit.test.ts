import { describe, expect, test } from 'vitest';
import { type HelpfulLimit, noHelpfulLimit, recordThroughput } from './helpful-limit.ts';

const tunables = { measureMs: 2000, rememberMs: 30_000, usefulShareMin: 0.6, limitHoldMs: 60_000 };

/** Saturated phases of four seconds each: so many servers, so much done per second. */
function measured(phases: readonly (readonly [servers: number, perSecond: number])[]) {
  let known: HelpfulLimit = noHelpfulLimit;
  let [now, doneTotal] = [0, 0];
  for (const [servers, perSecond] of phases) {
    for (let step = 0; step < 16; step++) {
      known = recordThroughput(known, { servers, saturated: true, doneTotal }, now, tunables);
      now += 250;
      doneTotal += perSecond / 4;
    }
  }
  return { known, now, doneTotal };
}

describe('the number beyond which more workers stop helping', () => {
  test('none while every added worker brings its share', () => {
    expect(
      measured([
        [2, 100],
        [4, 195],
        [8, 380],
      ]).known.limit,
    ).toBeNull();
  });

  test('about the smaller number once the added ones brought nothing', () => {
    expect(
      measured([
        [2, 100],
        [4, 200],
        [8, 205],
      ]).known.limit?.servers,
    ).toBe(5); // 4.1 are useful, and a quarter more
  });

  test('no limit from a throughput that fell: then the world changed', () => {
    expect(
      measured([
        [2, 100],
        [8, 10],
      ]).known.limit,
    ).toBeNull();
  });

  test('a jump from one to many is judged by what the one did', () => {
    expect(
      measured([
        [1, 50],
        [8, 100],
      ]).known.limit?.servers,
    ).toBe(3);
  });

  test('dropped when fewer workers really do less: then each had only become slower', () => {
    const phases = [
      [2, 100],
      [20, 200],
    ] as const;
    expect(measured(phases).known.limit?.servers).toBe(5);
    expect(measured([...phases, [5, 40]]).known.limit).toBeNull();
    expect(measured([...phases, [5, 195]]).known.limit?.servers).toBe(5);
  });

  test('forgotten after a while, so that it can be found again', () => {
    const { known, now, doneTotal } = measured([
      [4, 200],
      [8, 205],
    ]);
    const later = now + tunables.limitHoldMs;
    const seen = { servers: 4, saturated: false, doneTotal };
    expect(known.limit).not.toBeNull();
    expect(recordThroughput(known, seen, later, tunables).limit).toBeNull();
  });

  test('workers that are not saturated prove nothing', () => {
    let known: HelpfulLimit = noHelpfulLimit;
    for (let now = 0; now < 20_000; now += 250) {
      const servers = now < 10_000 ? 2 : 8;
      known = recordThroughput(known, { servers, saturated: false, doneTotal: now }, now, tunables);
    }
    expect(known).toEqual(noHelpfulLimit);
  });
});
