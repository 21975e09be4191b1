/**
 * One purchase in the gateway: read -> check -> admission -> intake -> wait ->
 * answer. Each step is a method of `PurchaseAttempt`, in this order; the stages that all purchases
 * share (admission.ts, intake-batcher.ts, outcome-subscriber.ts) know nothing of this file.
 *
 *   reading ─► deciding ─► sent ─► waiting ─► answered
 *      └──────────┴─────────┴────────┴───► answered (a refusal), or gone with its client
 *
 * *reading*: the body arrives. *deciding*: admission may refuse it. *sent*: the intake batcher has
 * it; it is *accepted* when the queue says so, and a refusal before that does not use up its key.
 * *waiting*: it is accepted, and the answer waits for the outcome as long as the client asked for.
 * The outcome may arrive before the intake's answer, so the purchase subscribes before it is sent.
 *
 * Never: two answers to one request; an attempt that is accepted and answered as if it were not.
 *
 * A purchase is one object with callbacks, instead of a promise for each step. Thousands of
 * purchases wait at any moment, and the garbage collector copies what each of them keeps alive
 * again and again. With promises a purchase allocated 25.6 KB, and collecting was two fifths of its
 * cost.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { PurchaseAnswer } from '../../../api/purchase-answer.ts';
import type { Time } from '../../../kit/clock.ts';
import { Problem, problemContentType, unavailable } from '../../../kit/http/problem.ts';
import { answerProblem } from '../answer/answers.ts';
import { type BodyReceiver, collectBody } from '../listener/request-body.ts';
import { type CloseListener, onResponseClose } from '../listener/response-close.ts';
import type { Visitor } from '../visitor/request-context.ts';
import { type Admission, type Admitted, placeInLine } from './admission.ts';
import type { IntakeBatcher, IntakeResult, PendingCheckout } from './intake-batcher.ts';
import type { OpenCheckouts } from './open-checkouts.ts';
import type { OutcomeListener, OutcomeSubscriber } from './outcome-subscriber.ts';
import {
  idempotencyKey,
  type Purchase,
  readPurchase,
  requestHash,
  requireJson,
  waitMs,
} from './purchase-request.ts';

export const bodyBytesMax = 64 * 1_024;

/** The stages that all purchases share. */
export interface PurchaseStages {
  readonly time: Pick<Time, 'now' | 'schedule'>;
  readonly admission: Pick<Admission, 'admit'>;
  /** Null where clients are not limited. */
  readonly open: Pick<OpenCheckouts, 'leave'> | null;
  readonly intake: Pick<IntakeBatcher<PurchaseAttempt>, 'accept'>;
  readonly outcomes: Pick<OutcomeSubscriber, 'subscribe' | 'unsubscribe' | 'register' | 'figures'>;
  /** An error that is no refusal: a bug of ours. */
  onDefect(error: unknown, requestId: string): void;
}

/**
 * Dropped when the attempt ends. A Map that grows and shrinks (the outcome subscriber's) leaves old
 * tables that point to the later ones. Once such a table was in the old generation, it kept every
 * later attempt, with request and response, until the next full collection.
 */
interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

type State = 'reading' | 'deciding' | 'sent' | 'waiting' | 'answered' | 'gone';

export class PurchaseAttempt
  implements PendingCheckout, BodyReceiver, CloseListener, OutcomeListener
{
  readonly id: string;
  readonly #stages: PurchaseStages;
  /** Null when it has ended. */
  #exchange: Exchange | null;
  readonly #visitor: Visitor;
  readonly #expires: number;
  #rawKey = '';
  #waitMs = 0;
  #state: State = 'reading';
  /** The id whose outcome it waits for: its own, or that of the first checkout with its key. */
  #subscribedTo = '';
  #cancelTimer: (() => void) | null = null;
  key = '';
  /** For the queue: the JSON of a NewCheckout. */
  json = '';

  constructor(
    stages: PurchaseStages,
    request: IncomingMessage,
    response: ServerResponse,
    visitor: Visitor,
    checkout: { readonly id: string; readonly expires: number },
  ) {
    this.#stages = stages;
    this.#exchange = { request, response };
    this.#visitor = visitor;
    this.id = checkout.id;
    this.#expires = checkout.expires;
  }

  get isWaitedFor(): boolean {
    return this.#subscribedTo !== '';
  }

  /** Read. Throws Problem 400, 413 or 415 for a bad request head. */
  begin(): void {
    if (this.#exchange === null) return;
    const { request, response } = this.#exchange;
    this.#rawKey = idempotencyKey(request);
    requireJson(request);
    this.#waitMs = waitMs(request);
    collectBody(request, bodyBytesMax, this);
    onResponseClose(response, this);
  }

  onNoBody(problem: Problem): void {
    this.#refuse(problem);
  }

  /** Check and admission. */
  onBody(body: Buffer): void {
    if (this.#state !== 'reading') return;
    this.#state = 'deciding';
    try {
      const purchase = readPurchase(body, this.#rawKey, this.#visitor.principal);
      const admitted = this.#stages.admission.admit(purchase, {
        id: this.id,
        network: this.#visitor.client.network,
      });
      if (admitted instanceof Promise) this.#sendLater(purchase, admitted);
      else this.#send(purchase, admitted);
    } catch (error) {
      this.#refuse(error);
    }
  }

  #sendLater(purchase: Purchase, admitted: Promise<Admitted>): void {
    admitted.then(
      (known) => this.#send(purchase, known),
      (error: unknown) => this.#refuse(error),
    );
  }

  /** Intake. */
  #send(purchase: Purchase, admitted: Admitted): void {
    if (this.#state !== 'deciding') {
      this.#leave(); // its client has disconnected
      return;
    }
    if (admitted instanceof Problem) {
      this.#refuse(admitted);
      return;
    }
    const { key, customer } = purchase;
    this.key = key;
    this.json =
      `{"id":"${this.id}","key":"${key}","hash":"${requestHash(purchase)}",` +
      `"expires":${this.#expires},"customer":${JSON.stringify(customer)},` +
      `"request":${admitted}}`;
    if (this.#waitMs > 0) this.#subscribe(this.id);
    this.#state = 'sent';
    this.#stages.intake.accept(this);
  }

  onIntake(result: IntakeResult): void {
    if (this.#state !== 'sent') return;
    if (result.kind !== 'accepted' && result.kind !== 'unknown') this.#leave();
    if (result.kind === 'accepted' || result.kind === 'repeated') {
      const first = result.kind === 'repeated' ? result.first : result.id;
      this.#wait(first, result.seq);
    } else this.#refuse(refusals[result.kind]());
  }

  /** Wait: for the outcome, or until the time that the client asked for is over, then 202. */
  #wait(checkoutId: string, seq: number): void {
    this.#state = 'waiting';
    this.json = '';
    if (checkoutId !== this.id && this.#waitMs > 0) {
      this.#subscribe(checkoutId);
      this.#stages.outcomes.register([checkoutId]);
    }
    const { time, outcomes } = this.#stages;
    this.#cancelTimer = time.schedule(this.#waitMs, () => {
      const waiting = { id: checkoutId, seq, retryAt: null };
      const place = placeInLine(waiting, outcomes.figures, time.now());
      const body = JSON.stringify({ id: checkoutId, state: 'queued', ...place });
      this.#answer(202, `/api/checkouts/${checkoutId}`, body);
    });
  }

  onOutcome({ status, location, body }: PurchaseAnswer): void {
    this.#leave();
    this.#answer(status, location, body);
  }

  onClose(): void {
    this.#end('gone');
  }

  /** `body` has one character per byte. */
  #answer(status: number, location: string, body: string): void {
    const response = this.#end('answered')?.response;
    if (response === undefined || response.destroyed) return;
    const headers: Record<string, string | number> = {
      'content-type': status < 400 ? 'application/json; charset=utf-8' : problemContentType,
      'cache-control': 'no-store',
      'x-request-id': this.#visitor.requestId,
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
    const { requestId } = this.#visitor;
    if (!(error instanceof Problem)) this.#stages.onDefect(error, requestId);
    const problem =
      error instanceof Problem ? error : unavailable('the purchase could not be taken');
    answerProblem(request, response, problem, requestId);
  }

  /** It no longer counts as an undecided checkout of its client. */
  #leave(): void {
    this.#stages.open?.leave(this.#visitor.client.network, this.id);
  }

  #subscribe(checkoutId: string): void {
    const { outcomes } = this.#stages;
    if (this.#subscribedTo !== '') outcomes.unsubscribe(this.#subscribedTo, this);
    this.#subscribedTo = checkoutId;
    outcomes.subscribe(checkoutId, this);
  }

  /** The request that is to be answered; null if the attempt has already ended. */
  #end(state: 'answered' | 'gone'): Exchange | null {
    const exchange = this.#exchange;
    if (exchange === null) return null;
    this.#exchange = null;
    this.#state = state;
    this.#cancelTimer?.();
    if (this.#subscribedTo !== '') {
      this.#stages.outcomes.unsubscribe(this.#subscribedTo, this);
    }
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
