/** Bugs planted in the worker, each a wrapper around one of its ports (planted-bugs.ts). */
import type { PurchaseQueue } from '../../src/queue/purchase-queue.ts';
import type { ChargeOutcome } from '../../src/services/worker/payment.ts';
import type { WorkerPorts } from '../../src/services/worker/ports.ts';
import type { ShopWorld } from './shop-world.ts';

/** Gives stock back on a rejection of its own, before it knows whether that counts. */
export function releaseFirst(ports: WorkerPorts): WorkerPorts {
  const { queue, stock } = ports;
  return {
    ...ports,
    queue: {
      ...queue,
      decide: async (token, batch) => {
        const ids = batch.filter((each) => each.aftermath.releaseStock).map((each) => each.id);
        if (ids.length > 0) await stock.release(ids);
        return queue.decide(token, batch);
      },
    },
  };
}

/** No answer from the provider: declined, then. */
export function timeOutIsDecline(
  ports: WorkerPorts,
  { limits, scheduler }: ShopWorld,
): WorkerPorts {
  const { payments } = ports;
  const declined: ChargeOutcome = { kind: 'declined' };
  const giveUpMs = limits.paymentDeadlineMs - 1;
  return {
    ...ports,
    payments: {
      charge: (charge, signal) =>
        Promise.race([
          payments
            .charge(charge, signal)
            .then((outcome) => (outcome.kind === 'unknown' ? declined : outcome)),
          scheduler.sleep(giveUpMs).then(() => declined),
        ]),
      void: (...named) => payments.void(...named),
      refund: (...named) => payments.refund(...named),
    },
  };
}

/** Announces the outcome before the decision is written. */
export function announceFirst(ports: WorkerPorts): WorkerPorts {
  const { queue, announce } = ports;
  return {
    ...ports,
    queue: {
      ...queue,
      decide: (token, batch) => {
        announce(batch);
        return queue.decide(token, batch);
      },
    },
  };
}

/** Lets everyone buy a cart. */
export function holdNoCart(ports: WorkerPorts): WorkerPorts {
  const holdCarts: PurchaseQueue['holdCarts'] = async (wanted) =>
    wanted.map(({ seq }) => ({ seq, holder: seq, isPlaced: false }));
  return { ...ports, queue: { ...ports.queue, holdCarts } };
}

/** Sells at any price, whatever the buyer agreed to. */
export function ignoreExpectedTotal(ports: WorkerPorts): WorkerPorts {
  const claim: PurchaseQueue['claim'] = async (request) =>
    (await ports.queue.claim(request)).map((each) => {
      const { expectedTotal: _expected, ...asked } = each.request;
      return { ...each, request: asked };
    });
  return { ...ports, queue: { ...ports.queue, claim } };
}
