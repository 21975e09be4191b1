/**
 * One purchase on its way through the gateway.
 *
 *   reading ─► deciding ─► sent ─► held ─► answered
 *      └──────────┴─────────┴────────┴───► answered (a refusal), or gone with its client
 *
 * *reading*: the body comes. *deciding*: is there anything that refuses it at the door. *sent*: with
 * the intake batcher; it is *accepted* when the queue says so, and before that a refusal leaves its
 * key free. *held*: accepted, waiting for its outcome for as long as the client wished. An outcome
 * may overtake the intake's answer, so it is listened for from before it is sent.
 *
 * What must never hold: two answers to one request; an attempt that is accepted and answered as if
 * it were not.
 *
 * One object that is called back, instead of a promise for each step: thousands of purchases are
 * held at any moment, so what each of them keeps alive is copied by the garbage collector again and
 * again. As promises a purchase left 25.6 KB behind, and collecting was two fifths of its cost.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { PurchaseAnswer } from '../../../api/purchase-answer.ts';
import type { Principal } from '../../../kit/http/principal.ts';
import { Problem, problemContentType, unavailable } from '../../../kit/http/problem.ts';
import type { CheckoutLine } from '../../../shop/checkout.ts';
import { answerProblem } from '../answer/answers.ts';
import { type BodyReceiver, collectBody } from '../listener/request-body.ts';
import { type CloseListener, onResponseClose } from '../listener/response-close.ts';
import type { Applicant, IntakeResult } from './intake-batcher.ts';
import type { Listener } from './outcome-subscriber.ts';
import {
  checkoutRequestText,
  idempotencyKey,
  type Purchase,
  readPurchase,
  requestHash,
  requireJson,
  waitMs,
} from './purchase-request.ts';

export const bodyBytesMax = 64 * 1_024;

/** Lines to buy, or why not. An empty list stands for a key that was accepted before. */
export type Admission = readonly CheckoutLine[] | Problem;

/** What an attempt asks of its desk. */
export interface AttemptServices {
  /** At once where everything is known, which it nearly always is. */
  admit(purchase: Purchase, id: string): Admission | Promise<Admission>;
  send(attempt: Attempt): void;
  listen(id: string, attempt: Attempt): void;
  forget(id: string, attempt: Attempt): void;
  /** Has the outcome of a checkout told that another request sent. */
  register(id: string): void;
  queuedBody(id: string, seq: number): string;
}

/**
 * Let go when the attempt ends. A Map that grows and shrinks (the outcome subscriber's) leaves tables behind that
 * point to all later ones, so one that the collector once took for old kept every attempt behind it
 * until the next full collection, each with its request and answer.
 */
interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

type State = 'reading' | 'deciding' | 'sent' | 'held' | 'answered' | 'gone';

export class Attempt implements Applicant, BodyReceiver, CloseListener, Listener {
  readonly id: string;
  readonly #desk: AttemptServices;
  /** Null when it has ended. */
  #exchange: Exchange | null;
  readonly #requestId: string;
  readonly #principal: Principal | null;
  readonly #expires: number;
  #rawKey = '';
  #holdMs = 0;
  #state: State = 'reading';
  /** The checkout that is listened for: this one, or the first of its key. */
  #heard = '';
  #timer: NodeJS.Timeout | null = null;
  key = '';
  /** For the queue: the JSON of a NewCheckout. */
  json = '';

  constructor(
    desk: AttemptServices,
    request: IncomingMessage,
    response: ServerResponse,
    visitor: { readonly requestId: string; readonly principal: Principal | null },
    checkout: { readonly id: string; readonly expires: number },
  ) {
    this.#desk = desk;
    this.#exchange = { request, response };
    this.#requestId = visitor.requestId;
    this.#principal = visitor.principal;
    this.id = checkout.id;
    this.#expires = checkout.expires;
  }

  /** Throws Problem 400, 413 or 415 for what the request's head shows. */
  begin(): void {
    if (this.#exchange === null) return;
    const { request, response } = this.#exchange;
    this.#rawKey = idempotencyKey(request);
    requireJson(request);
    this.#holdMs = waitMs(request);
    collectBody(request, bodyBytesMax, this);
    onResponseClose(response, this);
  }

  get isHeld(): boolean {
    return this.#heard !== '';
  }

  onBody(body: Buffer): void {
    if (this.#state !== 'reading') return;
    this.#state = 'deciding';
    try {
      const purchase = readPurchase(body, this.#rawKey, this.#principal);
      const admission = this.#desk.admit(purchase, this.id);
      if (admission instanceof Promise) this.#admitLater(purchase, admission);
      else this.#enter(purchase, admission);
    } catch (error) {
      this.#refuse(error);
    }
  }

  onNoBody(problem: Problem): void {
    this.#refuse(problem);
  }

  onIntake(result: IntakeResult): void {
    if (this.#state !== 'sent') return;
    if (result.kind === 'accepted' || result.kind === 'repeated') {
      const first = result.kind === 'repeated' ? result.first : result.id;
      this.#hold(first, result.seq);
    } else this.#refuse(refusals[result.kind]());
  }

  onOutcome({ status, location, body }: PurchaseAnswer): void {
    this.#answer(status, location, body);
  }

  #admitLater(purchase: Purchase, admission: Promise<Admission>): void {
    admission.then(
      (known) => this.#enter(purchase, known),
      (error: unknown) => this.#refuse(error),
    );
  }

  #enter(purchase: Purchase, admission: Admission): void {
    if (this.#state !== 'deciding') return;
    if (admission instanceof Problem) {
      this.#refuse(admission);
      return;
    }
    const { key, customer } = purchase;
    this.key = key;
    this.json =
      `{"id":"${this.id}","key":"${key}","hash":"${requestHash(purchase)}","expires":${this.#expires},` +
      `"customer":${customer === null ? 'null' : JSON.stringify(customer)},` +
      `"request":${checkoutRequestText(purchase, admission)}}`;
    if (this.#holdMs > 0) this.#listen(this.id);
    this.#state = 'sent';
    this.#desk.send(this);
  }

  /** The answer waits for the outcome, or says 202 when the client's patience ends. */
  #hold(checkoutId: string, seq: number): void {
    this.#state = 'held';
    this.json = '';
    if (checkoutId !== this.id && this.#holdMs > 0) {
      this.#listen(checkoutId);
      this.#desk.register(checkoutId);
    }
    this.#timer = setTimeout(() => {
      const body = this.#desk.queuedBody(checkoutId, seq);
      this.#answer(202, `/api/checkouts/${checkoutId}`, body);
    }, this.#holdMs);
  }

  #listen(checkoutId: string): void {
    if (this.#heard !== '') this.#desk.forget(this.#heard, this);
    this.#heard = checkoutId;
    this.#desk.listen(checkoutId, this);
  }

  /** `body` has one character a byte. */
  #answer(status: number, location: string, body: string): void {
    const response = this.#end('answered')?.response;
    if (response === undefined || response.destroyed) return;
    const headers: Record<string, string | number> = {
      'content-type': status < 400 ? 'application/json; charset=utf-8' : problemContentType,
      'cache-control': 'no-store',
      'x-request-id': this.#requestId,
      'content-length': body.length,
    };
    if (location !== '') headers['location'] = location;
    response.writeHead(status, headers);
    response.end(body, 'latin1');
  }

  #refuse(error: unknown): void {
    const exchange = this.#end('answered');
    if (exchange === null) return;
    const { request, response } = exchange;
    const problem =
      error instanceof Problem ? error : unavailable('the purchase could not be taken');
    const unread = !request.complete;
    const extras = { requestId: this.#requestId, closeConnection: unread };
    answerProblem(request, response, problem, extras);
    if (unread) request.resume();
  }

  onClose(): void {
    this.#end('gone');
  }

  /** What was to be answered; null where it has ended before. */
  #end(state: 'answered' | 'gone'): Exchange | null {
    const exchange = this.#exchange;
    if (exchange === null) return null;
    this.#exchange = null;
    this.#state = state;
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#heard !== '') this.#desk.forget(this.#heard, this);
    return exchange;
  }
}

const refusals = {
  'key-reused': () =>
    new Problem(422, 'key-reused', 'This Idempotency-Key was used for another purchase', {
      detail: 'send a new key for a new purchase; the first one is not changed',
    }),
  full: () => unavailable('too many purchases at once; nothing was charged'),
  unknown: () =>
    unavailable(
      'it is not known whether the purchase was accepted: send it again with the same key',
    ),
} as const;
