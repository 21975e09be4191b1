/** Who is hit: a part of the shop by its role, found among the living processes. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { DatabaseNode } from '../../src/kit/cluster/directory.ts';
import { isAlive, type ProcessName, signal } from '../../src/services/supervisor/process-table.ts';
import type { DrilledShop } from '../drill/drilled-shop.ts';

export const targets = [
  'leader',
  'follower',
  'followers',
  'orders',
  'catalog',
  'customers',
  'worker',
  'storefront',
  'gateway',
  'supervisor',
] as const;

export type Target = (typeof targets)[number];

const findMsMax = 15_000;
const findPauseMs = 10;

export function isNode(target: string): target is 'leader' | 'follower' | 'followers' {
  return target === 'leader' || target === 'follower' || target === 'followers';
}

/** Ids of database nodes in that role now; empty while it is not known who leads. */
export function nodesOf(shop: DrilledShop, target: Target): readonly string[] {
  const { leader } = shop.cluster.database;
  if (leader === null) return [];
  if (target === 'leader') return [leader.id];
  const followers = shop.nodeIds.filter((id) => id !== leader.id && shop.node(id).length > 0);
  return target === 'follower' ? followers.slice(0, 1) : followers;
}

function processesNow(shop: DrilledShop, target: Target): ProcessName[] {
  if (isNode(target)) return nodesOf(shop, target).flatMap((id) => shop.node(id));
  if (target === 'supervisor') return shop.supervisor === null ? [] : [shop.supervisor];
  // by role: a worker's place may have been taken by its spare
  const [id] = shop.instances(target);
  const found = id === undefined ? null : shop.service(id);
  return found === null ? [] : [found];
}

/** Waits until there is one: the fault before may have left it dead for a moment. */
export async function processesOf(shop: DrilledShop, target: Target): Promise<ProcessName[]> {
  const until = performance.now() + findMsMax;
  for (;;) {
    const found = processesNow(shop, target);
    if (found.length > 0) return found;
    if (performance.now() > until) throw new Error(`no ${target} is alive to be hit`);
    await sleep(findPauseMs);
  }
}

/** The node that leads, as soon as one does. */
export async function leaderOf(shop: DrilledShop): Promise<DatabaseNode> {
  const until = performance.now() + findMsMax;
  for (;;) {
    const { leader } = shop.cluster.database;
    if (leader !== null) return leader;
    if (performance.now() > until) throw new Error('nobody leads, so nobody can be hit');
    await sleep(findPauseMs);
  }
}

/** Resolves when none of them lives. */
export async function untilGone(processes: readonly ProcessName[]): Promise<void> {
  while (processes.some(isAlive)) await sleep(findPauseMs);
}

export function signalAll(processes: readonly ProcessName[], kind: NodeJS.Signals): void {
  for (const each of processes) signal(each, kind);
}
