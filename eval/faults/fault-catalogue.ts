/** Every fault that a drill can inflict, by name. */
import { cut, pairs, slow } from './broken-cable.ts';
import type { Fault } from './fault.ts';
import { fullQueue } from './full-queue.ts';
import { holdDown } from './hold-down.ts';
import { kill } from './kill.ts';
import { pause } from './pause.ts';
import { paymentFaults } from './payment-provider.ts';
import { restart } from './restart.ts';
import { targets } from './target.ts';
import { wakingLeader } from './waking-leader.ts';

const catalogue: readonly Fault[] = [
  ...targets.map((target) => kill(target)),
  ...targets.map((target) => pause(target)),
  ...targets.map((target) => restart(target)),
  holdDown('two-dead', 'the leader and a follower stay dead', ['leader', 'follower']),
  holdDown('no-followers', 'both followers stay dead', ['followers']),
  wakingLeader,
  ...pairs.map((pair) => cut(pair)),
  ...pairs.map((pair) => slow(pair)),
  ...paymentFaults,
  fullQueue,
];

/** A shop is not expected to sell through these for 20 s: they are drilled alone. */
const drilledAlone = ['restart-supervisor', 'full-queue'];

export const faultNames: readonly string[] = catalogue.map(({ name }) => name);

export function faultNamed(name: string): Fault {
  const found = catalogue.find((fault) => fault.name === name);
  if (found === undefined) throw new Error(`no fault is called ${name}: ${faultNames.join(', ')}`);
  return found;
}

/** What random sequences draw from. */
export const randomFaults: readonly Fault[] = catalogue.filter(
  ({ name }) => !drilledAlone.includes(name),
);
