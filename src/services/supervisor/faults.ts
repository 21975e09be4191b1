/** Faults on purpose, where they are switched on: the control room kills, pauses and restarts. */
import type { Fault } from '../../api/control.ts';
import type { ServiceInstance } from '../../kit/cluster/directory.ts';
import { notFound, Problem } from '../../kit/http/problem.ts';
import type { Trio } from './postgres/trio.ts';
import type { TrioNode } from './postgres/trio-node.ts';

export interface FaultTargets {
  readonly trio: Trio;
  readonly services: () => readonly ServiceInstance[];
  /** Ends a service in order; it is started again. */
  readonly restart: (id: string) => void;
  readonly areOn: boolean;
}

/**
 * `DOORBUSTER_FAULTS` decides where it is `on` or `off`. Without it only a shop that runs the demo
 * can be hurt: in a real one a stolen owner session must not be able to stop processes.
 */
export function faultsAreOn(setting: string | undefined, runsDemo: boolean): boolean {
  return setting === 'on' || (setting !== 'off' && runsDemo);
}

const signals = { kill: 'SIGKILL', pause: 'SIGSTOP', resume: 'SIGCONT' } as const;

/** Throws Problem 403 where faults are switched off, 404 for an unknown target. */
export function inflict({ target, kind }: Fault, targets: FaultTargets): void {
  if (!targets.areOn) {
    throw new Problem(403, 'faults-off', 'Faults are switched off here', {
      detail: 'start the shop with DOORBUSTER_FAULTS=on to practise failures',
    });
  }
  const member = targets.trio.members.get(target);
  if (member !== undefined) {
    inflictOnNode(kind, member);
    return;
  }
  const instance = targets.services().find(({ id }) => id === target);
  if (instance === undefined) throw notFound(`nothing that runs is called ${target}`);
  if (kind === 'restart') targets.restart(target);
  else process.kill(instance.pid, signals[kind]);
}

function inflictOnNode(kind: Fault['kind'], { node, probe }: TrioNode): void {
  if (kind === 'restart') node.stop().catch(() => probe.forget());
  else node.signalAll(signals[kind]);
}
