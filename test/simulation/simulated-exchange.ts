/** A request and its response, as small as the gateway's purchase code needs them. */
import { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ClientAnswer } from '../../eval/history/history.ts';

export interface Asked {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export class SimulatedExchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly answer: Promise<ClientAnswer>;
  readonly #response: Response;

  /** `onSecondAnswer`: what must never happen. */
  constructor({ method, url, headers = {} }: Asked, onSecondAnswer: () => void) {
    const request = Object.assign(new EventEmitter(), { method, url, headers, complete: true });
    this.request = request as unknown as IncomingMessage;
    const { promise, resolve } = Promise.withResolvers<ClientAnswer>();
    this.answer = promise;
    this.#response = new Response(resolve, onSecondAnswer);
    this.response = this.#response as unknown as ServerResponse;
  }

  sendBody(body: string): void {
    this.request.emit('data', Buffer.from(body));
    this.request.emit('end');
  }

  /** The client has gone. */
  hangUp(): void {
    this.#response.close();
  }
}

class Response extends EventEmitter {
  readonly #onAnswer: (answer: ClientAnswer) => void;
  readonly #onSecondAnswer: () => void;
  headersSent = false;
  destroyed = false;
  #status = 0;

  constructor(onAnswer: (answer: ClientAnswer) => void, onSecondAnswer: () => void) {
    super();
    this.#onAnswer = onAnswer;
    this.#onSecondAnswer = onSecondAnswer;
  }

  writeHead(status: number): void {
    if (this.headersSent) this.#onSecondAnswer();
    this.headersSent = true;
    this.#status = status;
  }

  end(body: string): void {
    this.#onAnswer(readAnswer(this.#status, JSON.parse(body)));
    this.close();
  }

  close(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.emit('close');
  }
}

interface Body {
  readonly type: string;
  readonly checkoutId?: string;
  readonly id?: string;
  readonly state?: string;
  readonly reason?: string;
  readonly number?: string;
  readonly total?: { readonly amount: number };
  readonly order?: Body;
}

/** What the contract's answers say, to a purchase and to a look-up. */
function readAnswer(status: number, body: Body): ClientAnswer {
  if (status === 200 && body.order !== undefined) return readAnswer(201, body.order);
  const { checkoutId = body.id, reason = body.type?.split('/').at(-1) ?? '' } = body;
  if (status === 201 && checkoutId !== undefined) {
    return {
      kind: 'placed',
      checkoutId,
      number: Number(body.number),
      total: body.total?.amount ?? 0,
    };
  }
  if (reason === 'key-reused') return { kind: 'key-reused' };
  if (checkoutId === undefined) return { kind: 'refused', reason };
  if (body.state === 'queued') return { kind: 'accepted', checkoutId };
  return { kind: 'rejected', checkoutId, reason };
}
