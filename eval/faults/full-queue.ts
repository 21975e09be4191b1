/** A queue that is full: no worker moves, not even those that are started to help. */
import { isAlive, type ProcessName } from '../../src/services/supervisor/process-table.ts';
import type { DrilledShop } from '../drill/drilled-shop.ts';
import type { Fault } from './fault.ts';
import { signalAll } from './target.ts';

const standstillMs = 8_000;
const lookMs = 50;
/** The door shuts at this much backlog, so that seconds of a standstill fill the queue. */
const queueSecondsMax = 3;

function workersOf(shop: DrilledShop): ProcessName[] {
  return shop.instances('worker').flatMap((id) => shop.service(id) ?? []);
}

export const fullQueue: Fault = {
  name: 'full-queue',
  sentence:
    `no worker moves for ${standstillMs / 1_000} s; ` +
    `the door shuts at ${queueSecondsMax} s of backlog`,
  lastsMs: standstillMs,
  env: { DOORBUSTER_QUEUE_SECONDS_MAX: String(queueSecondsMax) },
  async inflict(shop) {
    const stopped = new Map<number, ProcessName>();
    const stopAll = (): void => {
      for (const each of workersOf(shop)) {
        if (!stopped.has(each.pid)) signalAll([each], 'SIGSTOP');
        stopped.set(each.pid, each);
      }
    };
    stopAll();
    const timer = setInterval(stopAll, lookMs);
    return async () => {
      clearInterval(timer);
      signalAll([...stopped.values()].filter(isAlive), 'SIGCONT');
    };
  },
};
