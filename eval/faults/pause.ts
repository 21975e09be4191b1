/** A process that hangs: it lives, holds its connections open, and does nothing at all. */
import type { Fault } from './fault.ts';
import { processesOf, signalAll, type Target } from './target.ts';

const pauseMs = 5_000;

export function pause(target: Target): Fault {
  return {
    name: `pause-${target}`,
    sentence: `SIGSTOP of the ${target}, SIGCONT after ${pauseMs / 1_000} s`,
    lastsMs: pauseMs,
    async inflict(shop) {
      const processes = await processesOf(shop, target);
      signalAll(processes, 'SIGSTOP');
      return async () => signalAll(processes, 'SIGCONT');
    },
  };
}
