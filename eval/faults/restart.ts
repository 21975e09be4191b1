/** An orderly end, as for a new version: the process finishes what it has. */
import { type Fault, shopHealsItself } from './fault.ts';
import { isNode, nodesOf, processesOf, signalAll, type Target, untilGone } from './target.ts';

export function restart(target: Target): Fault {
  return {
    name: `restart-${target}`,
    sentence: `the ${target} is stopped in order, and started again`,
    lastsMs: 0,
    async inflict(shop) {
      const processes = await processesOf(shop, target);
      if (target === 'supervisor') {
        signalAll(processes, 'SIGINT');
        await untilGone(processes);
        await shop.startSupervisor();
      } else if (isNode(target)) {
        // to the postmasters alone: their children's SIGINT would cancel waits for the quorum
        const postmasters = nodesOf(shop, target).map((id) => shop.postmasterPid(id));
        signalAll(
          processes.filter(({ pid }) => postmasters.includes(pid)),
          'SIGINT',
        );
        await untilGone(processes);
      } else {
        signalAll(processes, 'SIGTERM');
        await untilGone(processes);
      }
      return shopHealsItself;
    },
  };
}
