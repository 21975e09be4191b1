/**
 * Carries out what follows from decisions: stock to release, payments to void or to refund, carts
 * to empty.
 *
 * A follow-up is claimed for a while, carried out, and then deleted. One that fails is tried again
 * when its lease is over and delays none of the others.
 *
 * Never: a follow-up that is deleted before it was carried out; money that moves for a kind that
 * this version does not know. So there is one table from kind to action and no default.
 */
import type { FollowUp } from '../../queue/purchase-queue.ts';
import type { WorkerPorts } from './ports.ts';

const followUpsMax = 200;
/** Calls under way at once. */
const callsMax = 17;
/** Longer than carrying out a full claim takes with a provider that is half a second away. */
const leaseMs = 20_000;

type Ports = Pick<
  WorkerPorts,
  'queue' | 'stock' | 'payments' | 'carts' | 'time' | 'report' | 'isTransient'
>;

/** Those of a kind go together, but whatever moves money goes alone. */
type Group = readonly [FollowUp, ...FollowUp[]];

const actions: Readonly<Record<FollowUp['kind'], (ports: Ports, group: Group) => Promise<void>>> = {
  release: ({ stock }, group) => stock.release(group.map(({ checkoutId }) => checkoutId)),
  void: ({ payments }, [{ checkoutId, method }]) => payments.void(checkoutId, method),
  refund: ({ payments }, [{ checkoutId, method, paymentId }]) =>
    payments.refund(checkoutId, method, paymentId),
  'empty-cart': ({ carts }, group) =>
    carts.empty(group.flatMap(({ cart }) => (cart === null ? [] : [cart]))),
  unknown: () => Promise.reject(new Error('this version does not know such a follow-up')),
};

export class FollowUps {
  readonly #ports: Ports;
  readonly #idlePollMs: number;

  constructor(ports: Ports, idlePollMs: number) {
    this.#ports = ports;
    this.#idlePollMs = idlePollMs;
  }

  async runUntil(isOver: () => boolean): Promise<void> {
    const { time } = this.#ports;
    while (!isOver()) {
      let claimed = 0;
      try {
        claimed = await this.#run();
      } catch (error) {
        this.#report(error, {});
      }
      if (claimed < followUpsMax) await time.sleep(this.#idlePollMs);
    }
  }

  async #run(): Promise<number> {
    const { queue, time } = this.#ports;
    const due = await queue.claimFollowUps(followUpsMax, time.now(), leaseMs);
    if (due.length === 0) return 0;
    const done: number[] = [];
    const groups = groupsOf(due).values();
    const work = async (): Promise<void> => {
      for (const group of groups) {
        if (await this.#carryOut(group)) done.push(...group.map(({ id }) => id));
      }
    };
    await Promise.all(Array.from({ length: callsMax }, work));
    await queue.finishFollowUps(done);
    return due.length;
  }

  async #carryOut(group: Group): Promise<boolean> {
    const [{ kind, id, checkoutId }] = group;
    try {
      await actions[kind](this.#ports, group);
      return true;
    } catch (error) {
      this.#report(error, { kind, followUp: id, id: checkoutId });
      return false;
    }
  }

  #report(error: unknown, details: Readonly<Record<string, unknown>>): void {
    const { report, isTransient } = this.#ports;
    report('follow-up-failed', { error, transient: isTransient(error), ...details });
  }
}

const together: readonly FollowUp['kind'][] = ['release', 'empty-cart'];

function groupsOf(due: readonly FollowUp[]): Group[] {
  const alone = due.filter(({ kind }) => !together.includes(kind)).map((one): Group => [one]);
  const groups = together.flatMap((wanted): Group[] => {
    const [first, ...others] = due.filter(({ kind }) => kind === wanted);
    return first === undefined ? [] : [[first, ...others]];
  });
  return [...groups, ...alone];
}
