/**
 * The purchase desk: `POST /api/orders` and what follows it, as the shopper sees it.
 *
 * The way of a purchase here: read -> check -> door (known SKUs, sold out, queue too long) ->
 * intake (batched) -> wait for the outcome -> answer. It is *accepted* when the intake says so;
 * before that every refusal leaves its key free, after that its outcome is the table's to say.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { PurchaseAnswer } from '../../../api/purchase-answer.ts';
import type { Directory } from '../../../kit/directory.ts';
import type { InternalClient } from '../../../kit/internal-client.ts';
import {
  invalid,
  notFound,
  Problem,
  problemContentType,
  unavailable,
} from '../../../kit/problem.ts';
import { uuidV7 } from '../../../kit/uuid-v7.ts';
import type { Acceptance, NewCheckout } from '../../../queue/purchase-queue.ts';
import type { CheckoutLine } from '../../../shop/checkout.ts';
import { answerProblem } from '../answers.ts';
import { readBody } from '../request-body.ts';
import type { PurchaseDesk as Desk, RequestContext } from '../request-context.ts';
import { placeInLine, type SoldOut, soldOutLine, soldOutProblem, tooLong } from './door.ts';
import { type BatcherTime, IntakeBatcher } from './intake-batcher.ts';
import { KeyMemory } from './key-memory.ts';
import { OutcomeEar } from './outcome-ear.ts';
import {
  checkoutRequest,
  idempotencyKey,
  type Purchase,
  readPurchase,
  waitMs,
} from './purchase-request.ts';
import { SkuRegister } from './sku-register.ts';

const bodyBytesMax = 64 * 1_024;
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

export class PurchaseDesk implements Desk {
  readonly #options: DeskOptions;
  readonly #client: InternalClient;
  readonly #memory: KeyMemory;
  readonly #ear: OutcomeEar;
  readonly #batcher: IntakeBatcher;
  readonly #skus: SkuRegister;

  constructor(options: DeskOptions) {
    this.#options = options;
    this.#client = options.client;
    const memory = new KeyMemory((after) =>
      this.#client.call('orders', `/internal/keys?after=${after}`),
    );
    this.#memory = memory;
    this.#ear = new OutcomeEar(options.directory, options.client, options.gatewayId, {
      keysAccepted: (keys) => memory.add(keys),
      streamsLive: () => void memory.streamsLive().catch(() => {}),
      streamLost: () => memory.streamLost(),
    });
    this.#batcher = new IntakeBatcher({ time: systemTime, send: (batch) => this.#intake(batch) });
    this.#skus = new SkuRegister(async (skus) => {
      const { variants } = await this.#client.call<{ variants: { sku: string }[] }>(
        'catalog',
        '/internal/variants',
        { body: { skus }, deadlineMs: 1_000 },
      );
      return variants.map(({ sku }) => sku);
    });
  }

  buy(request: IncomingMessage, response: ServerResponse, context: RequestContext): void {
    this.#buy(request, response, context).catch((error: unknown) => {
      const problem =
        error instanceof Problem ? error : unavailable('the purchase could not be taken');
      answerProblem(request, response, problem, { requestId: context.requestId });
    });
  }

  checkout(request: IncomingMessage, response: ServerResponse, context: RequestContext): void {
    this.#status(checkoutIdOf(request)).then(
      (status) => {
        response.writeHead(200, jsonHeaders(context.requestId));
        response.end(JSON.stringify(status));
      },
      (error: unknown) => {
        const problem = error instanceof Problem ? error : unavailable('cannot look that up now');
        answerProblem(request, response, problem, { requestId: context.requestId });
      },
    );
  }

  checkoutEvents(
    request: IncomingMessage,
    response: ServerResponse,
    context: RequestContext,
  ): void {
    this.#events(request, response, context).catch((error: unknown) => {
      const problem = error instanceof Problem ? error : unavailable('cannot look that up now');
      answerProblem(request, response, problem, { requestId: context.requestId });
      response.end();
    });
  }

  async close(): Promise<void> {
    this.#ear.close();
  }

  async #buy(
    request: IncomingMessage,
    response: ServerResponse,
    context: RequestContext,
  ): Promise<void> {
    const rawKey = idempotencyKey(request);
    const type = request.headers['content-type'];
    if (type !== undefined && !type.startsWith('application/json')) {
      throw new Problem(415, 'media-type', 'Send JSON', {
        detail: 'content-type must be application/json',
      });
    }
    const body = await readBody(request, bodyBytesMax);
    const purchase = readPurchase(body, rawKey, context.principal);
    const id = uuidV7(Date.now());
    const lines = await this.#admit(purchase, id);
    const checkout: NewCheckout = {
      id,
      key: purchase.key,
      hash: purchase.hash,
      customer: purchase.customer,
      expires: Date.now() + this.#options.expiryMs,
      request: checkoutRequest(purchase, lines),
    };
    await this.#accept(checkout, request, response, context.requestId);
  }

  /** The lines to buy, or a Problem. An empty list stands for a key that is known already. */
  async #admit(purchase: Purchase, id: string): Promise<readonly CheckoutLine[]> {
    const { request } = purchase;
    const lines = request.lines ?? (await this.#cartLines(purchase));
    const refusal = lines instanceof Problem ? lines : await this.#refusal(lines);
    if (refusal === null) return lines as readonly CheckoutLine[];
    if (this.#memory.neverAccepted(purchase.key)) throw refusal;
    const asked = [{ id, key: purchase.key, hash: purchase.hash }];
    const { known } = await this.#client.call<{ known: Acceptance[] }>(
      'orders',
      '/internal/known-keys',
      { body: { asked } },
    );
    if (known.length === 0) throw refusal;
    return [];
  }

  async #refusal(lines: readonly CheckoutLine[]): Promise<Problem | null> {
    if (!this.#skus.knowsAll(lines)) {
      const unknown = await this.#skus.firstUnknown(lines.map(({ sku }) => sku));
      if (unknown !== null) {
        const path = `lines.${lines.findIndex(({ sku }) => sku === unknown)}.sku`;
        return invalid([{ path, message: `the shop does not sell ${unknown}` }]);
      }
    }
    const gone = soldOutLine(lines, this.#options.soldOut);
    if (gone !== null) return soldOutProblem(gone);
    return tooLong(this.#ear.figures, this.#options.queueSecondsMax);
  }

  async #cartLines({ request, customer }: Purchase): Promise<readonly CheckoutLine[] | Problem> {
    try {
      const path = `/internal/carts/${encodeURIComponent(request.cartId ?? '')}`;
      const cart = await this.#client.call<CartAnswer>('customers', path);
      const foreign = cart.customerId !== null && cart.customerId !== customer;
      if (foreign || cart.lines.length === 0) {
        return invalid([{ path: 'cartId', message: foreign ? 'is not yours' : 'is empty' }]);
      }
      return cart.lines;
    } catch (error) {
      if (error instanceof Problem && error.body.status === 404) {
        return invalid([{ path: 'cartId', message: 'there is no such cart' }]);
      }
      return error instanceof Problem ? error : unavailable('carts cannot be read now');
    }
  }

  async #accept(
    checkout: NewCheckout,
    request: IncomingMessage,
    response: ServerResponse,
    requestId: string,
  ): Promise<void> {
    const holdMs = waitMs(request);
    const hold = new Hold(response, requestId);
    const listen = (id: string) => this.#ear.listen(id, (answer) => hold.answer(answer));
    const forget = holdMs === 0 ? () => {} : listen(checkout.id);
    response.once('close', forget);
    const result = await this.#batcher.accept(checkout);
    if (result.kind === 'key-reused') {
      forget();
      throw new Problem(422, 'key-reused', 'This Idempotency-Key was used for another purchase', {
        detail: 'send a new key for a new purchase; the first one is not changed',
      });
    }
    if (result.kind === 'full') {
      forget();
      throw unavailable('too many purchases at once; nothing was charged');
    }
    if (result.kind === 'unknown') {
      forget();
      throw unavailable(
        'it is not known whether the purchase was accepted: send it again with the same key',
      );
    }
    const id = result.kind === 'repeated' ? result.first : result.id;
    if (id !== checkout.id && holdMs > 0) {
      forget();
      response.once('close', listen(id));
      await this.#ear.register([id]);
    }
    hold.expireAfter(holdMs, () => {
      const place = placeInLine(result.seq, this.#ear.figures);
      return { location: `/api/checkouts/${id}`, body: { id, state: 'queued', ...place } };
    });
  }

  async #intake(batch: readonly NewCheckout[]): Promise<readonly Acceptance[]> {
    const { fresh, others } = await this.#client.call<{
      fresh: [id: string, seq: number][];
      others: Acceptance[];
    }>('orders', '/internal/intake', {
      rawBody: JSON.stringify(batch),
      headers: {
        'content-type': 'text/plain',
        'x-doorbuster-gateway': this.#options.gatewayId,
        'x-count': String(batch.length),
        'x-doorbuster-held': batch.some(({ id }) => this.#ear.isListening(id)) ? '1' : '0',
      },
    });
    this.#memory.add(batch.map((each) => each.key));
    // a batch that was sent again finds its own checkouts there: nobody has registered those
    const own = others.filter((each) => each.kind === 'accepted').map((each) => each.id);
    if (own.length > 0) this.#ear.register(own);
    return [...fresh.map(([id, seq]): Acceptance => ({ id, kind: 'accepted', seq })), ...others];
  }

  async #status(id: string): Promise<object> {
    const found = await this.#client.call<{ state: string; seq?: number }>(
      'orders',
      `/internal/checkouts/${id}`,
    );
    if (found.state !== 'queued' || found.seq === undefined) return found;
    return { id, state: 'queued', ...placeInLine(found.seq, this.#ear.figures) };
  }

  async #events(
    request: IncomingMessage,
    response: ServerResponse,
    { requestId }: RequestContext,
  ): Promise<void> {
    const id = checkoutIdOf(request);
    let status = await this.#status(id);
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      'x-request-id': requestId,
    });
    let wake: () => void = () => {};
    const forget = this.#ear.listen(id, () => wake());
    response.once('close', () => {
      forget();
      wake();
    });
    await this.#ear.register([id]);
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
      status = await this.#status(id).catch(() => status);
    }
    forget();
    response.end();
  }
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

/** One held answer (a body of one character a byte): given once, by the outcome or by the clock, whichever comes first. */
class Hold {
  readonly #response: ServerResponse;
  readonly #requestId: string;
  #timer: NodeJS.Timeout | null = null;
  #given = false;

  constructor(response: ServerResponse, requestId: string) {
    this.#response = response;
    this.#requestId = requestId;
  }

  answer({ status, location, body }: PurchaseAnswer): void {
    this.#give(status, location, body);
  }

  /** Answers 202 with `queued()` when no outcome came within `ms`. */
  expireAfter(ms: number, queued: () => { location: string; body: object }): void {
    if (this.#given) return;
    this.#timer = setTimeout(() => {
      const { location, body } = queued();
      this.#give(202, location, JSON.stringify(body));
    }, ms);
  }

  #give(status: number, location: string, body: string): void {
    if (this.#given) return;
    this.#given = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#response.destroyed) return;
    const headers = jsonHeaders(this.#requestId);
    if (status >= 400) headers['content-type'] = problemContentType;
    if (location !== '') headers['location'] = location;
    headers['content-length'] = String(body.length);
    this.#response.writeHead(status, headers);
    this.#response.end(body, 'latin1');
  }
}
