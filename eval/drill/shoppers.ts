/**
 * The crowd of a drill, in a process of its own: `fork(shoppers.ts, [JSON of ShoppersOptions])`.
 *
 * Each shopper behaves as the contract asks: one Idempotency-Key a purchase, sent again with the
 * same key until there is a final answer, with a pause that grows, for at most `patienceMs`. Open
 * loop: shoppers arrive at their rate, however the shop is doing. In turn (`inTurn`): the next one
 * comes when the one before has her answer, as in the toy store's experiment.
 *
 * Everything seen goes to `file`, a line of JSON a purchase. A message `stop` ends the arrivals;
 * the process ends when the last shopper is served or gives up.
 */
import { createWriteStream, type WriteStream } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import { address } from '../cluster/shop-client.ts';
import type { ClientAnswer } from '../history/history.ts';
import { seededRandom } from '../load/purchase-load.ts';
import {
  type Attempt,
  type PurchaseRecord,
  readCheckoutAnswer,
  readPurchaseAnswer,
  shopperEmail,
} from './purchase-record.ts';
import { type Assortment, drawPurchase, type PlannedPurchase } from './shopping.ts';

export interface ShoppersOptions {
  readonly url: string;
  readonly file: string;
  readonly seed: number;
  readonly assortment: Assortment;
  /** Purchases a second; ignored in turn. */
  readonly ratePerSecond: number;
  readonly inTurn: boolean;
  /** Ends by itself after this many. */
  readonly purchasesMax: number;
}

const patienceMs = 90_000;
const attemptMsMax = 8_000;
const connectMsMax = 2_000;
const pauseMs = { first: 50, max: 1_000, lookUp: 250 } as const;
const prefer = 'wait=5';

function now(): number {
  return performance.timeOrigin + performance.now();
}

class Shoppers {
  readonly #options: ShoppersOptions;
  readonly #pool: Pool;
  readonly #file: WriteStream;
  readonly #random: () => number;
  readonly #run: string;
  #shopping = 0;
  #arrived = 0;
  #isClosed = false;

  constructor(options: ShoppersOptions) {
    this.#options = options;
    this.#pool = new Pool(options.url, {
      connect: { timeout: connectMsMax },
      pipelining: 1,
      headersTimeout: attemptMsMax,
      bodyTimeout: attemptMsMax,
      keepAliveTimeout: 8_000,
    });
    this.#file = createWriteStream(options.file);
    this.#random = seededRandom(options.seed);
    this.#run = `${options.seed}-${Date.now().toString(36)}`;
  }

  stop(): void {
    this.#isClosed = true;
  }

  async run(): Promise<void> {
    const { inTurn, purchasesMax } = this.#options;
    if (inTurn) await this.#arriveInTurn(purchasesMax);
    else await this.#arriveAtRate();
    while (this.#shopping > 0) await sleep(20);
    await new Promise<void>((resolve) => this.#file.end(resolve));
    await this.#pool.destroy();
  }

  #mayArrive(target: number): boolean {
    return !this.#isClosed && this.#arrived < Math.min(target, this.#options.purchasesMax);
  }

  async #arriveInTurn(purchasesMax: number): Promise<void> {
    while (this.#mayArrive(purchasesMax)) {
      await this.#arrive();
      process.send?.({ served: this.#arrived });
    }
  }

  async #arriveAtRate(): Promise<void> {
    const { ratePerSecond, purchasesMax } = this.#options;
    const startedAt = performance.now();
    while (!this.#isClosed && this.#arrived < purchasesMax) {
      const seconds = (performance.now() - startedAt) / 1_000;
      while (this.#mayArrive(seconds * ratePerSecond)) void this.#arrive();
      await sleep(2);
    }
  }

  async #arrive(): Promise<void> {
    const planned = drawPurchase(
      this.#options.assortment,
      `${this.#run}-${this.#arrived}`,
      this.#random,
    );
    this.#arrived += 1;
    const shoppers =
      planned.isDoubleClick && !this.#options.inTurn ? [planned, planned] : [planned];
    await Promise.all(shoppers.map((each) => this.#shop(each)));
  }

  async #shop(planned: PlannedPurchase): Promise<void> {
    this.#shopping += 1;
    const attempts: Attempt[] = [];
    const giveUpAt = now() + patienceMs;
    for (let pauses = 0; ; ) {
      const last = await this.#attempt(planned, attempts.at(-1)?.answer);
      attempts.push(last);
      const { kind } = last.answer;
      if (isFinal(last.answer) || now() >= giveUpAt) break;
      if (kind === 'accepted') {
        await sleep(pauseMs.lookUp);
      } else {
        const longest = Math.min(pauseMs.max, pauseMs.first * 2 ** pauses);
        pauses += 1;
        await sleep(longest * (0.5 + this.#random() / 2));
      }
    }
    const { key, lines, paymentToken } = planned;
    const record: PurchaseRecord = { key, lines, paymentToken, attempts };
    this.#file.write(`${JSON.stringify(record)}\n`);
    this.#shopping -= 1;
  }

  /** Looks an accepted checkout up; sends the purchase, again with its key, in any other case. */
  async #attempt(planned: PlannedPurchase, before: ClientAnswer | undefined): Promise<Attempt> {
    const sentAt = now();
    let status = 0;
    let answer: ClientAnswer = { kind: 'unknown' };
    try {
      const isLookUp = before?.kind === 'accepted';
      const { statusCode, body } = isLookUp
        ? await this.#pool.request({ method: 'GET', path: `/api/checkouts/${before.checkoutId}` })
        : await this.#pool.request(purchaseRequest(planned));
      const text = await body.text();
      status = statusCode;
      answer = isLookUp ? readCheckoutAnswer(status, text) : readPurchaseAnswer(status, text);
      // a look-up that failed says nothing new: the checkout stays accepted
      if (isLookUp && answer.kind === 'unknown') answer = before;
    } catch {
      // the connection broke, or nothing came in time: the outcome is not known
    }
    return { sentAt, answeredAt: now(), status, answer };
  }
}

function isFinal({ kind, ...rest }: ClientAnswer): boolean {
  if (kind === 'refused') return 'reason' in rest && rest.reason !== 'queue-full';
  return kind === 'placed' || kind === 'rejected' || kind === 'key-reused';
}

function purchaseRequest({ key, lines, paymentToken: token }: PlannedPurchase) {
  return {
    method: 'POST' as const,
    path: '/api/orders',
    headers: { 'content-type': 'application/json', 'idempotency-key': key, prefer },
    body: JSON.stringify({
      lines,
      email: shopperEmail,
      shippingAddress: address,
      payment: { method: 'test', token },
    }),
  };
}

if (process.argv[1] === import.meta.filename) {
  const shoppers = new Shoppers(JSON.parse(process.argv[2] ?? '{}') as ShoppersOptions);
  process.on('message', () => shoppers.stop());
  process.on('disconnect', () => process.exit(1)); // nobody is left to read what was seen
  await shoppers.run();
  process.exit(0);
}
