/** Faults of the network between two parts of the shop: all cables between their instances. */
import type { Condition } from './cable.ts';
import type { Fault } from './fault.ts';
import { isNode, leaderOf, nodesOf } from './target.ts';

const cutMs = 4_000;
const slowMs = 6_000;
const delayMs = 100;

/** Every pair that talks: who asks, and whom. Leader and followers are those of that moment. */
export const pairs = [
  ['gateway', 'orders'],
  ['gateway', 'catalog'],
  ['gateway', 'customers'],
  ['worker', 'orders'],
  ['worker', 'catalog'],
  ['worker', 'leader'],
  ['orders', 'leader'],
  ['catalog', 'leader'],
  ['customers', 'leader'],
  ['orders', 'catalog'],
  ['follower', 'leader'],
  ['followers', 'leader'],
] as const;

type Pair = (typeof pairs)[number];

function onCable([from, to]: Pair, verb: string, lastsMs: number, condition: Condition): Fault {
  return {
    name: `${verb}-${from}-${to}`,
    sentence:
      condition.kind === 'slow'
        ? `each piece between ${from} and ${to} takes ${condition.delayMs} ms longer, each way`
        : `nothing gets through between ${from} and ${to}`,
    lastsMs,
    needsNetwork: true,
    async inflict(shop) {
      const { network } = shop;
      if (network === null) throw new Error('the shop was started without cables');
      const farEnds = to === 'leader' ? [(await leaderOf(shop)).id] : shop.instances(to);
      const nearEnds = isNode(from) ? nodesOf(shop, from) : shop.instances(from);
      for (const near of nearEnds) for (const far of farEnds) network.set(near, far, condition);
      return async () => network.mendAll();
    },
  };
}

export function cut(pair: Pair): Fault {
  return onCable(pair, 'cut', cutMs, { kind: 'cut' });
}

export function slow(pair: Pair): Fault {
  return onCable(pair, 'slow', slowMs, { kind: 'slow', delayMs });
}
