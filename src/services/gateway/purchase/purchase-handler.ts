/**
 * `POST /api/orders` and the look-ups of its checkouts: puts together the stages that all purchases
 * share. purchase-pipeline.ts has the steps of one purchase.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { cartsToBuy } from '../../../api/internal/customers-routes.ts';
import {
  acceptedKeys,
  decidedCheckouts,
  intake as intakeRoute,
  knownKeys,
} from '../../../api/internal/orders-routes.ts';
import { systemTime, type Time } from '../../../kit/clock.ts';
import type { Directory } from '../../../kit/cluster/directory.ts';
import { gather } from '../../../kit/gather.ts';
import type { InternalClient } from '../../../kit/http/internal-client.ts';
import { uuidV7 } from '../../../kit/uuid-v7.ts';
import type { Acceptance } from '../../../shop/checkout.ts';
import type { Visitor } from '../visitor/request-context.ts';
import { Admission, type AdmissionPorts, type CartAnswer } from './admission.ts';
import { CheckoutLookups } from './checkout-lookups.ts';
import { type BatcherLimits, type BatcherPorts, IntakeBatcher } from './intake-batcher.ts';
import { KeyMemory } from './key-memory.ts';
import { type FindDecided, OpenCheckouts } from './open-checkouts.ts';
import { OutcomeSubscriber, type StreamEvents } from './outcome-subscriber.ts';
import { PurchaseAttempt, type PurchaseStages } from './purchase-pipeline.ts';

export interface PurchaseOptions {
  readonly directory: Directory;
  readonly client: InternalClient;
  readonly gatewayId: string;
  readonly stock: AdmissionPorts['stock'];
  /** A checkout that has waited longer is rejected before the payment. */
  readonly expiryMs: number;
  /** A purchase that would wait longer is refused. */
  readonly queueSecondsMax: number;
  /** False for load tests: one address may then hold any number of checkouts and streams. */
  readonly limitsClients: boolean;
  readonly onDefect: PurchaseStages['onDefect'];
  readonly time?: Time;
  readonly newId?: (now: number) => string;
  readonly batcherLimits?: BatcherLimits;
}

const cartsAskedMax = 500;
/** The next carts wait for it, so a customers service that hangs must not hold them long. */
const cartsDeadlineMs = 2_000;

export class PurchaseHandler {
  readonly #options: PurchaseOptions;
  readonly #outcomes: OutcomeSubscriber;
  readonly #stages: PurchaseStages;
  readonly #lookups: CheckoutLookups;

  constructor(options: PurchaseOptions) {
    const { client, directory, gatewayId, stock, queueSecondsMax, expiryMs } = options;
    const { time = systemTime, batcherLimits, onDefect } = options;
    this.#options = options;
    const keys = new KeyMemory((after) => client.call(acceptedKeys, { query: { after } }));
    const events: StreamEvents = {
      keysAccepted: (accepted) => keys.add(accepted),
      streamsLive: () => void keys.streamsLive().catch(() => {}),
      streamLost: () => keys.streamLost(),
    };
    this.#outcomes = new OutcomeSubscriber(directory, client, gatewayId, events, time);
    const open = options.limitsClients
      ? new OpenCheckouts(decidedFinder(client), 2 * expiryMs)
      : null;
    const admission = new Admission({
      time,
      stock,
      figures: () => this.#outcomes.figures,
      cart: cartReader(client),
      neverAccepted: (key) => keys.neverAccepted(key),
      wasAccepted: async (asked) => {
        const { known } = await client.call(knownKeys, { body: { asked: [asked] } });
        return known.length > 0;
      },
      queueSecondsMax,
      open,
    });
    const intakePorts: BatcherPorts<PurchaseAttempt> = {
      time,
      held: () => this.#outcomes.waiting,
      send: (batch) => this.#sendBatch(batch),
    };
    const batcher = new IntakeBatcher(intakePorts, batcherLimits);
    const intake = {
      accept: (attempt: PurchaseAttempt): void => {
        // before it is sent: its answer may be lost, or come after its outcome
        keys.add([attempt.key]);
        batcher.accept(attempt);
      },
    };
    this.#stages = { time, admission, open, intake, outcomes: this.#outcomes, onDefect };
    this.#lookups = new CheckoutLookups(client, this.#outcomes, options.limitsClients, time);
  }

  /** `POST /api/orders`. Throws a Problem for a bad request head; then answers on `response`. */
  buy(request: IncomingMessage, response: ServerResponse, visitor: Visitor): void {
    const { newId = uuidV7, expiryMs } = this.#options;
    const now = this.#stages.time.now();
    const checkout = { id: newId(now), expires: now + expiryMs };
    new PurchaseAttempt(this.#stages, request, response, visitor, checkout).begin();
  }

  /** `GET /api/checkouts/{id}` */
  checkout(request: IncomingMessage, response: ServerResponse, visitor: Visitor): void {
    this.#lookups.lookUp(request, response, visitor);
  }

  /** `GET /api/checkouts/{id}/events` */
  checkoutEvents(request: IncomingMessage, response: ServerResponse, visitor: Visitor): void {
    this.#lookups.follow(request, response, visitor);
  }

  async close(): Promise<void> {
    this.#outcomes.close();
  }

  async #sendBatch(batch: readonly PurchaseAttempt[]): Promise<readonly Acceptance[]> {
    const { client, gatewayId } = this.#options;
    const { fresh, others } = await client.call(intakeRoute, {
      rawBody: `[${batch.map(({ json }) => json).join(',')}]`,
      headers: {
        'content-type': 'text/plain',
        'x-doorbuster-gateway': gatewayId,
        'x-count': String(batch.length),
        'x-doorbuster-held': batch.some(({ isWaitedFor }) => isWaitedFor) ? '1' : '0',
      },
    });
    // a batch that was sent again finds its own checkouts stored, which are not registered yet
    const own = others.filter((each) => each.kind === 'accepted').map((each) => each.id);
    if (own.length > 0) this.#outcomes.register(own);
    return [...fresh.map(([id, seq]): Acceptance => ({ id, kind: 'accepted', seq })), ...others];
  }
}

function decidedFinder(client: InternalClient): FindDecided {
  return async (ids) => {
    return (await client.call(decidedCheckouts, { body: { ids } })).decided;
  };
}

/** Carts of many buyers are read by one call. */
function cartReader(client: InternalClient): (id: string) => Promise<CartAnswer | null> {
  return gather(
    async (ids) => {
      const options = { body: { ids }, deadlineMs: cartsDeadlineMs };
      return (await client.call(cartsToBuy, options)).carts;
    },
    { batchMax: cartsAskedMax },
  );
}
