import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Step, TrioModel } from './trio-model.ts';

const node = fc.nat(2);
const ok = fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, fc.boolean());

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('tick'), ms: fc.nat(400) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('tick'), ms: fc.nat(6_000) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('write'), node }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('replicate'), node, entries: fc.nat(3) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('confirm'), node }) },
  { weight: 9, arbitrary: fc.record({ do: fc.constant('observe'), node }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('apply'), node, ok }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('finish'), node, ok }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('kill', 'pause'), node }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('resume', 'lose', 'lag'), node }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('break'), node }) },
  { weight: 20, arbitrary: fc.record({ do: fc.constant('progress'), ms: fc.nat(400) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('forget') }) },
) as fc.Arbitrary<Step>;

/** Enough for a hung node to be fenced, a damaged one copied, and its copy to catch up. */
const calmMs = 60_000;

function workingTrio(): TrioModel {
  const trio = new TrioModel();
  trio.calm(1_000);
  expect(trio.publication).toEqual({ leader: 'pg-1', followers: ['pg-2', 'pg-3'] });
  return trio;
}

test('never two leaders, nothing acknowledged is lost, and always a leader again', () => {
  let elections = 0;
  let rebuilds = 0;
  const history = fc.array(step, { minLength: 20, maxLength: 200, size: 'max' });
  fc.assert(
    fc.property(history, (steps) => {
      const trio = workingTrio();
      try {
        for (const each of steps) trio.run(each);
        trio.calm(calmMs);
        const acknowledged = trio.acknowledged.index;
        trio.run({ do: 'write', node: Number(trio.publication.leader?.slice(3)) - 1 });
        trio.calm(200);
        expect(trio.publication.leader).toBe(trio.leadership.leader);
        expect(trio.acknowledged.index).toBeGreaterThan(acknowledged);
        expect(trio.leadership.voters).toHaveLength(2);
      } catch (error) {
        const tail = trio.sentences.slice(-40).join('\n');
        throw new Error(`${(error as Error).message}\n${tail}`);
      }
      elections += trio.elections;
      rebuilds += trio.rebuilds;
    }),
    // A failing seed is printed; shrinking a history of hundreds of steps takes minutes.
    { numRuns: Number(process.env['DOORBUSTER_HISTORIES'] ?? 1_000), endOnFailure: true },
  );
  expect(elections).toBeGreaterThan(100);
  expect(rebuilds).toBeGreaterThan(100);
}, 120_000);
