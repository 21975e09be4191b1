/** Random histories of a trio: what happens, in which order, and what must hold at the end. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Step, TrioModel } from './trio-model.ts';

/** Enough for a hung node to be fenced, a damaged one copied, and its copy to catch up. */
const calmMs = 60_000;

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

export const randomHistory = fc.array(step, { minLength: 20, maxLength: 200, size: 'max' });

/** Throws where a promise is broken on the way, or the trio does not come to rest afterwards. */
export function runHistory(trio: TrioModel, steps: readonly Step[]): void {
  for (const each of steps) trio.run(each);
  trio.calm(calmMs);
  const acknowledged = trio.acknowledged.index;
  assert.equal(trio.publication.leader, trio.leadership.leader, 'the leader is published');
  trio.run({ do: 'write', node: Number(trio.leadership.leader.slice(3)) - 1 });
  trio.calm(200);
  assert.ok(trio.acknowledged.index > acknowledged, 'a commit is acknowledged again');
  assert.equal(trio.leadership.voters.length, 2, 'both followers vote');
}
