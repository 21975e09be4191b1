/**
 * Attacks as a process of its own, so that the honest buyer's clock does not wait for the attacker.
 * Each message is an attack to run; the answer is what it got. Ends with its parent.
 */
import { type AttackTarget, runAttack } from './attack.ts';
import { attacks, attacksOnWaitingRoom } from './attack-list.ts';

export interface AttackOrder {
  readonly name: string;
  readonly target: AttackTarget;
  readonly milliseconds: number;
}

process.on('message', async ({ name, target, milliseconds }: AttackOrder) => {
  const attack = [...attacks, ...attacksOnWaitingRoom].find((each) => each.name === name);
  if (attack === undefined) throw new Error(`no attack is called ${name}`);
  process.send?.(await runAttack(attack, target, milliseconds));
});
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
