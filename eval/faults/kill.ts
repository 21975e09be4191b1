/** Sudden death. A database node dies with all its processes, as a machine does. */
import type { Fault } from './fault.ts';
import { shopHealsItself } from './fault.ts';
import { processesOf, signalAll, type Target, untilGone } from './target.ts';

/** Nobody watches over the supervisor on one machine but its owner, who takes this long. */
const supervisorAwayMs = 3_000;

export function kill(target: Target): Fault {
  const isSupervisor = target === 'supervisor';
  return {
    name: `kill-${target}`,
    sentence: `kill -9 of the ${target}`,
    lastsMs: isSupervisor ? supervisorAwayMs : 0,
    async inflict(shop) {
      const processes = await processesOf(shop, target);
      signalAll(processes, 'SIGKILL');
      await untilGone(processes);
      return isSupervisor ? () => shop.startSupervisor() : shopHealsItself;
    },
  };
}
