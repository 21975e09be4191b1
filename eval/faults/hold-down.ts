/** Nodes that stay dead, however often they are started: two machines of three that are gone. */
import type { Fault } from './fault.ts';
import { leaderOf, nodesOf, signalAll, type Target } from './target.ts';

const holdMs = 6_000;
const lookMs = 25;

export function holdDown(name: string, sentence: string, which: readonly Target[]): Fault {
  return {
    name,
    sentence,
    lastsMs: holdMs,
    async inflict(shop) {
      await leaderOf(shop);
      const ids = which.flatMap((target) => nodesOf(shop, target));
      const killAll = (): void => {
        for (const id of ids) signalAll(shop.node(id), 'SIGKILL');
      };
      killAll();
      const timer = setInterval(killAll, lookMs);
      return async () => clearInterval(timer);
    },
  };
}
