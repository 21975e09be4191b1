/**
 * A small server that speaks the part of Stripe's API that the shop uses: create, confirm, read,
 * search and cancel PaymentIntents, and refund them; with Stripe's rules for idempotency keys (the
 * first answer is repeated, other parameters are an error, a request under way is a conflict) and
 * with its lag: search sees an intent only after `index()`.
 *
 * It can be told to misbehave: `loseAnswers` carries requests out and breaks the connection,
 * `fail` answers 500, and `hold` keeps requests waiting until they are let go.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export const stripeKey = 'sk_test_fixture';

type Status =
  | 'requires_payment_method'
  | 'requires_action'
  | 'processing'
  | 'succeeded'
  | 'canceled';

export interface FakeIntent {
  readonly id: string;
  readonly object: 'payment_intent';
  readonly amount: number;
  readonly currency: string;
  readonly metadata: Readonly<Record<string, string>>;
  status: Status;
  amountRefunded: number;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

interface Kept {
  readonly request: string;
  answer: Answer | null;
}

const plainParameters = /^(amount|confirm|currency|description|payment_method)$/.source;
const otherParameters =
  /^(error_on_requires_action|(allowed_payment_method_types|metadata)\[\w+\])$/.source;
const createParameters = new RegExp(`${plainParameters}|${otherParameters}`);

export class StripeFixture implements AsyncDisposable {
  readonly intents = new Map<string, FakeIntent>();
  /** False: search knows an intent at once. */
  searchLags = true;
  /** `METHOD path` of every request, in the order of arrival. */
  readonly requests: string[] = [];
  readonly #server: Server;
  readonly #kept = new Map<string, Kept>();
  readonly #indexed = new Set<string>();
  #losses = 0;
  #failures = 0;
  #gate: Promise<void> | null = null;
  #count = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<StripeFixture> {
    const server = createServer();
    const fixture = new StripeFixture(server);
    server.on('request', (request, response) => {
      fixture.#handle(request, response).catch(() => response.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return fixture;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Intents of a checkout; its seal is none. */
  of(checkoutId: string): FakeIntent[] {
    return [...this.intents.values()].filter((each) => each.metadata['checkoutId'] === checkoutId);
  }

  /** What the shop keeps of a checkout's money, in minor units. */
  captured(checkoutId: string): number {
    const paid = this.of(checkoutId).filter((each) => each.status === 'succeeded');
    return paid.reduce((sum, each) => sum + each.amount - each.amountRefunded, 0);
  }

  /** The next `count` requests are carried out and their answers lost. */
  loseAnswers(count: number): void {
    this.#losses = count;
  }

  /** The next `count` requests are answered with 500 and not carried out. */
  fail(count: number): void {
    this.#failures = count;
  }

  /** Requests that arrive from now on wait until the returned function is called. */
  hold(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gate = promise;
    return () => {
      this.#gate = null;
      resolve();
    };
  }

  /** Search now knows every intent. */
  index(): void {
    for (const id of this.intents.keys()) this.#indexed.add(id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString('utf8');
    const { method = '', url = '' } = request;
    this.requests.push(`${method} ${url.split('?', 1)[0]}`);
    const answer = await this.#answer(request, text);
    if (this.#losses > 0) {
      this.#losses -= 1;
      response.destroy();
      return;
    }
    response.writeHead(answer.status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer.body));
  }

  async #answer(request: IncomingMessage, text: string): Promise<Answer> {
    const { method = '', url = '', headers } = request;
    if (headers.authorization !== `Bearer ${stripeKey}`) return refused(401, 'api_key_invalid');
    const key = headers['idempotency-key'];
    const asked = `${method} ${url} ${text}`;
    const act = async (): Promise<Answer> => {
      await this.#gate;
      if (this.#failures === 0) return this.#act(method, new URL(url, this.url), text);
      this.#failures -= 1;
      return { status: 500, body: { error: { type: 'api_error', message: 'it broke' } } };
    };
    if (method !== 'POST' || typeof key !== 'string') return act();
    const known = this.#kept.get(key);
    if (known !== undefined) {
      if (known.answer === null) return refused(409, 'idempotency_key_in_use', 'idempotency_error');
      if (known.request !== asked) return refused(400, undefined, 'idempotency_error');
      return known.answer;
    }
    const kept: Kept = { request: asked, answer: null };
    this.#kept.set(key, kept);
    const answer = await act();
    kept.answer = answer;
    // what was never begun is not remembered
    const { error } = answer.body as { error?: { type: string } };
    if (error?.type === 'invalid_request_error') this.#kept.delete(key);
    return answer;
  }

  #act(method: string, url: URL, text: string): Answer {
    const form = new URLSearchParams(text);
    const [, , resource, id, action] = url.pathname.split('/');
    if (resource === 'refunds') return this.#refund(form.get('payment_intent') ?? '');
    if (method === 'GET' && id === 'search') return this.#search(url.searchParams.get('query'));
    if (id === undefined) return this.#create(form);
    const intent = this.intents.get(id);
    if (intent === undefined) return refused(404, 'resource_missing');
    return action === 'cancel' ? this.#cancel(intent) : { status: 200, body: intent };
  }

  #create(form: URLSearchParams): Answer {
    for (const name of form.keys()) {
      if (!createParameters.test(name)) return refused(400, 'parameter_unknown', undefined, name);
    }
    const token = form.get('payment_method');
    if (token === 'pm_missing') {
      return refused(400, 'resource_missing', undefined, 'payment_method');
    }
    const amount = Number(form.get('amount'));
    if (amount < 50) return refused(400, 'amount_too_small', undefined, 'amount');
    this.#count += 1;
    const metadata = Object.fromEntries(
      [...form].flatMap(([name, value]) => {
        const found = /^metadata\[(\w+)\]$/.exec(name);
        return found?.[1] === undefined ? [] : [[found[1], value]];
      }),
    );
    const intent: FakeIntent = {
      id: `pi_${this.#count}`,
      object: 'payment_intent',
      amount,
      currency: form.get('currency') ?? '',
      metadata,
      status: form.get('confirm') === 'true' ? statusOf(token) : 'requires_payment_method',
      amountRefunded: 0,
    };
    this.intents.set(intent.id, intent);
    if (token === 'pm_declined') {
      const error = {
        type: 'card_error',
        code: 'card_declined',
        message: 'Your card was declined',
      };
      return { status: 402, body: { error } };
    }
    return { status: 200, body: { ...intent } };
  }

  #cancel(intent: FakeIntent): Answer {
    if (['succeeded', 'processing', 'canceled'].includes(intent.status)) {
      return refused(400, 'payment_intent_unexpected_state');
    }
    intent.status = 'canceled';
    return { status: 200, body: intent };
  }

  #search(query: string | null): Answer {
    const wanted = /^metadata\['checkoutId'\]:'([^']+)'$/.exec(query ?? '')?.[1] ?? '';
    const data = this.of(wanted).filter((each) => !this.searchLags || this.#indexed.has(each.id));
    return { status: 200, body: { object: 'search_result', data, has_more: false } };
  }

  #refund(id: string): Answer {
    const intent = this.intents.get(id);
    if (intent?.status !== 'succeeded') return refused(400, 'payment_intent_unexpected_state');
    if (intent.amountRefunded > 0) return refused(400, 'charge_already_refunded');
    intent.amountRefunded = intent.amount;
    return { status: 200, body: { id: `re_${id}`, object: 'refund', status: 'succeeded' } };
  }
}

function statusOf(token: string | null): Status {
  if (token === 'pm_declined') return 'requires_payment_method';
  if (token === 'pm_question') return 'requires_action';
  return token === 'pm_processing' ? 'processing' : 'succeeded';
}

function refused(
  status: number,
  code: string | undefined,
  type = 'invalid_request_error',
  param?: string,
): Answer {
  return { status, body: { error: { type, code, param, message: `refused: ${code ?? type}` } } };
}
