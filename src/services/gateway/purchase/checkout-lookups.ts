/** Answers `GET /api/checkouts/{id}`: the state of a checkout, once or as a stream of events. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { findCheckout } from '../../../api/internal/orders-routes.ts';
import type { Time } from '../../../kit/clock.ts';
import type { InternalClient } from '../../../kit/http/internal-client.ts';
import { notFound, Problem, unavailable } from '../../../kit/http/problem.ts';
import { answerProblem } from '../answer/answers.ts';
import { traceparentOf, type Visitor } from '../visitor/request-context.ts';
import { placeInLine, type WaitingCheckout } from './admission.ts';
import type { OutcomeSubscriber } from './outcome-subscriber.ts';

/** Interval of the events of a stream. */
const eventsPauseMs = 1_000;
/** Open streams of one client (address or /64); several people may share it. */
const streamsMax = 100;
/** The orders service forgets a registration after 45 s. */
const eventsPerRegistration = 15;
const checkoutIdForm =
  /^\/api\/checkouts\/([0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})(?:\/events)?(?:\?|$)/;

/** From the orders service: the answer of the contract, or a position in the queue. */
type Status = Partial<WaitingCheckout> & { readonly state: string };

export class CheckoutLookups {
  readonly #client: InternalClient;
  readonly #outcomes: OutcomeSubscriber;
  readonly #limitsClients: boolean;
  readonly #time: Time;
  /** Open event streams by client. */
  readonly #streams = new Map<string, number>();

  constructor(
    client: InternalClient,
    outcomes: OutcomeSubscriber,
    limitsClients: boolean,
    time: Time,
  ) {
    this.#time = time;
    this.#client = client;
    this.#outcomes = outcomes;
    this.#limitsClients = limitsClients;
  }

  lookUp(request: IncomingMessage, response: ServerResponse, visitor: Visitor): void {
    const id = checkoutIdOf(request);
    this.#find(id, traceHeaders(request, visitor)).then(
      (status) => {
        response.writeHead(200, {
          'content-type': 'application/json; charset=utf-8',
          'cache-control': 'no-store',
          'x-request-id': visitor.requestId,
        });
        response.end(JSON.stringify(this.#view(id, status)));
      },
      (error: unknown) => refuse(request, response, visitor, error),
    );
  }

  /** Throws Problem 429 where the client has `streamsMax` streams open. */
  follow(request: IncomingMessage, response: ServerResponse, visitor: Visitor): void {
    this.#countStream(response, visitor.client.network);
    this.#follow(request, response, visitor).catch((error: unknown) => {
      refuse(request, response, visitor, error);
    });
  }

  #countStream(response: ServerResponse, network: string): void {
    const open = this.#streams.get(network) ?? 0;
    if (this.#limitsClients && open >= streamsMax) {
      throw new Problem(
        429,
        'too-many-streams',
        'Too many event streams at once',
        { detail: `${open} are open from your network: close some, or ask without /events.` },
        { 'retry-after': '5' },
      );
    }
    this.#streams.set(network, open + 1);
    response.once('close', () => {
      const left = (this.#streams.get(network) ?? 1) - 1;
      if (left > 0) this.#streams.set(network, left);
      else this.#streams.delete(network);
    });
  }

  async #follow(
    request: IncomingMessage,
    response: ServerResponse,
    visitor: Visitor,
  ): Promise<void> {
    const id = checkoutIdOf(request);
    const traced = traceHeaders(request, visitor);
    let status = await this.#find(id, traced);
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      'x-request-id': visitor.requestId,
    });
    let isDecided = false;
    let wake: () => void = () => {};
    const listener = {
      onOutcome: () => {
        isDecided = true;
        wake();
      },
    };
    response.once('close', () => wake());
    this.#outcomes.subscribe(id, listener);
    for (let events = 0; !response.destroyed; events += 1) {
      response.write(`event: checkout\ndata: ${JSON.stringify(this.#view(id, status))}\n\n`);
      if (status.state !== 'queued') break;
      if (!isDecided && events % eventsPerRegistration === 0) this.#outcomes.register([id]);
      await new Promise<void>((resolve) => {
        const cancel = this.#time.schedule(eventsPauseMs, resolve);
        wake = () => {
          cancel();
          resolve();
        };
      });
      if (isDecided) status = await this.#find(id, traced).catch(() => status);
    }
    this.#outcomes.unsubscribe(id, listener);
    response.end();
  }

  async #find(id: string, headers: Readonly<Record<string, string>>): Promise<Status> {
    return this.#client.call(findCheckout, { params: { id }, headers });
  }

  #view(id: string, status: Status): object {
    const { state, seq, retryAt = null } = status;
    if (state !== 'queued' || seq === undefined) return status;
    const place = placeInLine({ id, seq, retryAt }, this.#outcomes.figures, this.#time.now());
    return { id, state, ...place };
  }
}

function traceHeaders({ headers }: IncomingMessage, { requestId }: Visitor) {
  return { 'x-request-id': requestId, traceparent: traceparentOf(headers) };
}

function checkoutIdOf({ url = '' }: IncomingMessage): string {
  const id = checkoutIdForm.exec(url)?.[1];
  if (id === undefined) throw notFound('There is no such checkout');
  return id;
}

function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  { requestId }: Visitor,
  error: unknown,
): void {
  const problem = error instanceof Problem ? error : unavailable('cannot look that up now');
  if (response.headersSent) response.destroy();
  else answerProblem(request, response, problem, requestId);
}
