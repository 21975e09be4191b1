import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type PlantedBug, plantedBugs } from './planted-bugs.ts';
import { randomHistory, runHistory } from './random-history.ts';
import { type Step, TrioModel } from './trio-model.ts';

const seed = 2_026;
const historiesMax = 6_000;

/** What breaks in this history, or null. */
function violation(steps: readonly Step[], see: PlantedBug['see']): string | null {
  const trio = new TrioModel(see);
  try {
    trio.calm(1_000);
    runHistory(trio, steps);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

describe('a planted bug of the failover is found', () => {
  test.each(plantedBugs)(
    '$name',
    ({ see, breaks }) => {
      const histories = fc.sample(randomHistory, { seed, numRuns: historiesMax }).values();
      const found = histories.map((steps) => violation(steps, see)).find((each) => each !== null);
      expect(found).toMatch(breaks);
    },
    120_000,
  );

  test('and none is found in the machine as it is', () => {
    const histories = fc.sample(randomHistory, { seed, numRuns: 300 });
    expect(histories.map((steps) => violation(steps, (view) => view)).filter(Boolean)).toEqual([]);
  }, 120_000);
});
