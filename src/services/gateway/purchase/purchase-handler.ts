/**
 * The purchase desk: `POST /api/orders` and what follows it, as the shopper sees it.
 *
 * The way of a purchase (attempt.ts): read -> check -> door (known SKUs, sold out, queue too long)
 * -> intake (batched) -> wait for the outcome -> answer. The desk is what all attempts share.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Directory } from '../../../kit/cluster/directory.ts';
import { gather } from '../../../kit/gather.ts';
import type { InternalClient } from '../../../kit/http/internal-client.ts';
import { invalid, notFound, Problem, unavailable } from '../../../kit/http/problem.ts';
import { uuidV7 } from '../../../kit/uuid-v7.ts';
import type { Acceptance } from '../../../queue/purchase-queue.ts';
import type { CheckoutLine } from '../../../shop/checkout.ts';
import { answerProblem } from '../answer/answers.ts';
import {
  contextOf,
  type PurchaseHandler as Desk,
  type Visitor,
} from '../visitor/request-context.ts';
import { placeInLine, type SoldOut, soldOutLine, soldOutProblem, tooLong } from './admission.ts';
import { type Admission, Attempt, type AttemptServices } from './attempt.ts';
import { type BatcherTime, IntakeBatcher } from './intake-batcher.ts';
import { KeyMemory } from './key-memory.ts';
import { OutcomeSubscriber } from './outcome-subscriber.ts';
import { type Purchase, requestHash } from './purchase-request.ts';
import { SkuRegister } from './sku-register.ts';

const eventsPauseMs = 1_000;
const checkoutIdForm =
  /^\/api\/checkouts\/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})(?:\/events)?(?:\?|$)/;

export interface DeskOptions {
  readonly directory: Directory;
  readonly client: InternalClient;
  readonly gatewayId: string;
  /** What the catalog's push says about a SKU; null where it says nothing it would stand for. */
  readonly soldOut: SoldOut;
  /** A checkout that has waited longer is rejected before anyone is charged. */
  readonly expiryMs: number;
  /** A longer queue than this is refused at the door. */
  readonly queueSecondsMax: number;
}

interface CartAnswer {
  customerId: string | null;
  lines: CheckoutLine[];
}

const cartsAskedMax = 500;
/** Those who ask next wait for it, so a customers service that hangs must not hold them long. */
const cartsDeadlineMs = 2_000;

export class PurchaseHandler implements Desk, AttemptServices {
  readonly #options: DeskOptions;
  readonly #client: InternalClient;
  readonly #memory: KeyMemory;
  readonly #outcomes: OutcomeSubscriber;
  readonly #batcher: IntakeBatcher<Attempt>;
  readonly #skus: SkuRegister;
  /** Null where there is no such cart. */
  readonly #cart: (id: string) => Promise<CartAnswer | null>;

  constructor(options: DeskOptions) {
    this.#options = options;
    this.#client = options.client;
    const memory = new KeyMemory((after) =>
      this.#client.call('orders', `/internal/keys?after=${after}`),
    );
    this.#memory = memory;
    this.#outcomes = new OutcomeSubscriber(options.directory, options.client, options.gatewayId, {
      keysAccepted: (keys) => memory.add(keys),
      streamsLive: () => void memory.streamsLive().catch(() => {}),
      streamLost: () => memory.streamLost(),
    });
    this.#batcher = new IntakeBatcher({
      time: systemTime,
      held: () => this.#outcomes.waiting,
      send: (batch) => this.#intake(batch),
    });
    this.#skus = new SkuRegister(async (skus) => {
      const { variants } = await this.#client.call<{ variants: { sku: string }[] }>(
        'catalog',
        '/internal/variants',
        { body: { skus }, deadlineMs: 1_000 },
      );
      return variants.map(({ sku }) => sku);
    });
    this.#cart = gather(
      async (ids) => {
        const options = { body: { ids }, deadlineMs: cartsDeadlineMs };
        const { carts } = await this.#client.call<{ carts: (CartAnswer | null)[] }>(
          'customers',
          '/internal/carts',
          options,
        );
        return carts;
      },
      { batchMax: cartsAskedMax },
    );
  }

  /** Throws a Problem for what the request's head shows; answers by itself from then on. */
  buy(request: IncomingMessage, response: ServerResponse, visitor: Visitor): void {
    const now = Date.now();
    const checkout = { id: uuidV7(now), expires: now + this.#options.expiryMs };
    new Attempt(this, request, response, visitor, checkout).begin();
  }

  checkout(request: IncomingMessage, response: ServerResponse, visitor: Visitor): void {
    this.#status(checkoutIdOf(request), tracedBy(request, visitor)).then(
      (status) => {
        response.writeHead(200, jsonHeaders(visitor.requestId));
        response.end(JSON.stringify(status));
      },
      (error: unknown) => {
        const problem = error instanceof Problem ? error : unavailable('cannot look that up now');
        answerProblem(request, response, problem, { requestId: visitor.requestId });
      },
    );
  }

  checkoutEvents(request: IncomingMessage, response: ServerResponse, visitor: Visitor): void {
    this.#events(request, response, visitor).catch((error: unknown) => {
      const problem = error instanceof Problem ? error : unavailable('cannot look that up now');
      answerProblem(request, response, problem, { requestId: visitor.requestId });
      response.end();
    });
  }

  async close(): Promise<void> {
    this.#outcomes.close();
  }

  admit(purchase: Purchase, id: string): Admission | Promise<Admission> {
    const { lines } = purchase.request;
    if (lines === undefined) return this.#admitCart(purchase, id);
    if (!this.#skus.knowsAll(lines)) return this.#admitUnseen(purchase, id, lines);
    return this.#unlessAccepted(purchase, id, this.#atTheDoor(lines));
  }

  send(attempt: Attempt): void {
    this.#batcher.accept(attempt);
  }

  listen(id: string, attempt: Attempt): void {
    this.#outcomes.listen(id, attempt);
  }

  forget(id: string, attempt: Attempt): void {
    this.#outcomes.forget(id, attempt);
  }

  register(id: string): void {
    void this.#outcomes.register([id]);
  }

  queuedBody(id: string, seq: number): string {
    return JSON.stringify({ id, state: 'queued', ...placeInLine(seq, this.#outcomes.figures) });
  }

  async #admitCart(purchase: Purchase, id: string): Promise<Admission> {
    const lines = await this.#cartLines(purchase);
    if (lines instanceof Problem) return this.#unlessAccepted(purchase, id, lines);
    return this.#admitUnseen(purchase, id, lines);
  }

  async #admitUnseen(
    purchase: Purchase,
    id: string,
    lines: readonly CheckoutLine[],
  ): Promise<Admission> {
    const unknown = await this.#skus.firstUnknown(lines.map(({ sku }) => sku));
    if (unknown === null) return this.#unlessAccepted(purchase, id, this.#atTheDoor(lines));
    const path = `lines.${lines.findIndex(({ sku }) => sku === unknown)}.sku`;
    const refusal = invalid([{ path, message: `the shop does not sell ${unknown}` }]);
    return this.#unlessAccepted(purchase, id, refusal);
  }

  #atTheDoor(lines: readonly CheckoutLine[]): Admission {
    const gone = soldOutLine(lines, this.#options.soldOut);
    if (gone !== null) return soldOutProblem(gone);
    return tooLong(this.#outcomes.figures, this.#options.queueSecondsMax) ?? lines;
  }

  /** Whoever was accepted before must get that answer again, whatever the shop would say now. */
  #unlessAccepted(
    purchase: Purchase,
    id: string,
    admission: Admission,
  ): Admission | Promise<Admission> {
    if (!(admission instanceof Problem) || this.#memory.neverAccepted(purchase.key))
      return admission;
    const asked = { id, key: purchase.key, hash: requestHash(purchase) };
    return this.#client
      .call<{ known: Acceptance[] }>('orders', '/internal/known-keys', {
        body: { asked: [asked] },
      })
      .then(({ known }) => (known.length === 0 ? admission : []));
  }

  async #cartLines({ request, customer }: Purchase): Promise<readonly CheckoutLine[] | Problem> {
    let cart: CartAnswer | null;
    try {
      cart = await this.#cart(request.cartId ?? '');
    } catch (error) {
      return error instanceof Problem ? error : unavailable('carts cannot be read now');
    }
    if (cart === null) return invalid([{ path: 'cartId', message: 'there is no such cart' }]);
    const foreign = cart.customerId !== null && cart.customerId !== customer;
    if (!foreign && cart.lines.length > 0) return cart.lines;
    return invalid([{ path: 'cartId', message: foreign ? 'is not yours' : 'is empty' }]);
  }

  async #intake(batch: readonly Attempt[]): Promise<readonly Acceptance[]> {
    const { fresh, others } = await this.#client.call<{
      fresh: [id: string, seq: number][];
      others: Acceptance[];
    }>('orders', '/internal/intake', {
      rawBody: `[${batch.map(({ json }) => json).join(',')}]`,
      headers: {
        'content-type': 'text/plain',
        'x-doorbuster-gateway': this.#options.gatewayId,
        'x-count': String(batch.length),
        'x-doorbuster-held': batch.some(({ isHeld }) => isHeld) ? '1' : '0',
      },
    });
    this.#memory.add(batch.map((each) => each.key));
    // a batch that was sent again finds its own checkouts there: nobody has registered those
    const own = others.filter((each) => each.kind === 'accepted').map((each) => each.id);
    if (own.length > 0) this.#outcomes.register(own);
    return [...fresh.map(([id, seq]): Acceptance => ({ id, kind: 'accepted', seq })), ...others];
  }

  async #status(id: string, headers: Readonly<Record<string, string>>): Promise<object> {
    const found = await this.#client.call<{ state: string; seq?: number }>(
      'orders',
      `/internal/checkouts/${id}`,
      { headers },
    );
    if (found.state !== 'queued' || found.seq === undefined) return found;
    return { id, state: 'queued', ...placeInLine(found.seq, this.#outcomes.figures) };
  }

  async #events(
    request: IncomingMessage,
    response: ServerResponse,
    visitor: Visitor,
  ): Promise<void> {
    const id = checkoutIdOf(request);
    const traced = tracedBy(request, visitor);
    let status = await this.#status(id, traced);
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      'x-request-id': visitor.requestId,
    });
    let wake: () => void = () => {};
    const listener = { onOutcome: () => wake() };
    this.#outcomes.listen(id, listener);
    response.once('close', () => {
      this.#outcomes.forget(id, listener);
      wake();
    });
    await this.#outcomes.register([id]);
    while (!response.destroyed) {
      response.write(`event: checkout\ndata: ${JSON.stringify(status)}\n\n`);
      if ((status as { state: string }).state !== 'queued') break;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, eventsPauseMs);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      status = await this.#status(id, traced).catch(() => status);
    }
    this.#outcomes.forget(id, listener);
    response.end();
  }
}

/** For a question that is asked for one request alone. */
function tracedBy(request: IncomingMessage, visitor: Visitor): Record<string, string> {
  const { requestId, traceparent } = contextOf(request, visitor);
  return { 'x-request-id': requestId, traceparent };
}

const systemTime: BatcherTime = {
  now: () => Date.now(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  schedule: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

function jsonHeaders(requestId: string): Record<string, string> {
  return {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
    'x-request-id': requestId,
  };
}

function checkoutIdOf({ url = '' }: IncomingMessage): string {
  const id = checkoutIdForm.exec(url)?.[1];
  if (id === undefined) throw notFound('There is no such checkout');
  return id;
}
