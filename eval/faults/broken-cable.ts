/** Faults of the network between two parts of the shop. */
import type { DrilledShop } from '../drill/drilled-shop.ts';
import type { Condition } from './cable.ts';
import type { Fault } from './fault.ts';

const cutMs = 4_000;
const slowMs = 6_000;
const delayMs = 100;

/** Every pair that talks: who asks, and whom. The leader is whoever leads now. */
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
      network.set(`${from}-1`, farEnd(shop, to), condition);
      return async () => network.mendAll();
    },
  };
}

function farEnd(shop: DrilledShop, to: Pair[1]): string {
  if (to !== 'leader') return `${to}-1`;
  const { leader } = shop.cluster.database;
  if (leader === null) throw new Error('nobody leads just now');
  return leader.id;
}

export function cut(pair: Pair): Fault {
  return onCable(pair, 'cut', cutMs, { kind: 'cut' });
}

export function slow(pair: Pair): Fault {
  return onCable(pair, 'slow', slowMs, { kind: 'slow', delayMs });
}
