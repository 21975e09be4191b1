import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Problem } from '../../../kit/http/problem.ts';
import { answerProblem } from '../answer/answers.ts';
import { type Admission, Attempt, type AttemptServices, bodyBytesMax } from './attempt.ts';
import type { Purchase } from './purchase-request.ts';

const checkoutId = '01900000-0000-7000-8000-000000000001';
const firstId = '01900000-0000-7000-8000-000000000000';
const wanted = {
  lines: [{ sku: 'BEAR-S', quantity: 1 }],
  email: 'ada@example.com',
  shippingAddress: { name: 'Zoë', line1: '1', city: 'X', postalCode: '1', country: 'GB' },
  payment: { method: 'test', token: 'tok_ok' },
};

/** A desk that does as it is told, and remembers what it was asked. */
class ToldDesk implements AttemptServices {
  readonly sent: Attempt[] = [];
  readonly heard = new Map<string, Attempt>();
  readonly registered: string[] = [];
  admits: (purchase: Purchase) => Admission | Promise<Admission> = ({ request }) =>
    request.lines ?? [];
  #onSent: () => void = () => {};

  admit(purchase: Purchase): Admission | Promise<Admission> {
    return this.admits(purchase);
  }

  send(attempt: Attempt): void {
    this.sent.push(attempt);
    this.#onSent();
  }

  listen(id: string, attempt: Attempt): void {
    this.heard.set(id, attempt);
  }

  forget(id: string, attempt: Attempt): void {
    if (this.heard.get(id) === attempt) this.heard.delete(id);
  }

  register(id: string): void {
    this.registered.push(id);
  }

  queuedBody(id: string): string {
    return JSON.stringify({ id, state: 'queued' });
  }

  async nextSent(): Promise<Attempt> {
    if (this.sent.length === 0) await new Promise<void>((resolve) => (this.#onSent = resolve));
    return this.sent[0] as Attempt;
  }
}

let desk: ToldDesk;
/** Closed responses, in order. */
let closed: Promise<unknown>;
const server = createServer((request, response) => {
  closed = once(response, 'close');
  const attempt = new Attempt(
    desk,
    request,
    response,
    { requestId: 'r-1', principal: null },
    { id: checkoutId, expires: 1_000 },
  );
  try {
    attempt.begin();
  } catch (error) {
    answerProblem(request, response, error as Problem);
  }
});

beforeEach(async () => {
  desk = new ToldDesk();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;

const json = { 'idempotency-key': 'k', 'content-type': 'application/json' };

function buy(headers: Record<string, string> = {}, body: string = JSON.stringify(wanted)) {
  return fetch(url(), { method: 'POST', headers: { ...json, ...headers }, body });
}

const placed = { status: 201, location: '/api/orders/7', body: '{"number":"7"}' } as const;

describe('an attempt to buy', () => {
  it('is sent as the queue wants it, and answered with its outcome', async () => {
    const answer = buy();
    const attempt = await desk.nextSent();
    const { request, ...checkout } = JSON.parse(attempt.json);
    expect(checkout).toMatchObject({ id: checkoutId, expires: 1_000, customer: null });
    expect(request).toEqual(wanted);
    expect(attempt.isHeld).toBe(true);
    attempt.onIntake({ id: checkoutId, kind: 'accepted', seq: 7 });
    desk.heard.get(checkoutId)?.onOutcome(placed);
    const { status, headers } = await answer;
    expect([status, headers.get('location')]).toEqual([201, '/api/orders/7']);
    expect(await (await answer).json()).toEqual({ number: '7' });
    expect(desk.heard.size).toBe(0);
  });

  it('is answered once when its outcome overtakes the word of the intake', async () => {
    const answer = buy();
    const attempt = await desk.nextSent();
    attempt.onOutcome(placed);
    attempt.onIntake({ id: checkoutId, kind: 'accepted', seq: 7 });
    attempt.onOutcome({ ...placed, body: '{"number":"8"}' });
    expect(await (await answer).json()).toEqual({ number: '7' });
  });

  it('that repeats a key waits for the outcome of the first', async () => {
    const answer = buy();
    const attempt = await desk.nextSent();
    attempt.onIntake({ id: checkoutId, kind: 'repeated', first: firstId, seq: 3 });
    expect([...desk.heard.keys()]).toEqual([firstId]);
    expect(desk.registered).toEqual([firstId]);
    attempt.onOutcome(placed);
    expect((await answer).status).toBe(201);
  });

  it('is told 202 when the client does not wait, and nobody listens for it', async () => {
    const answer = buy({ prefer: 'respond-async' });
    const attempt = await desk.nextSent();
    expect([attempt.isHeld, desk.heard.size]).toEqual([false, 0]);
    attempt.onIntake({ id: checkoutId, kind: 'accepted', seq: 7 });
    expect((await answer).status).toBe(202);
    expect((await answer).headers.get('location')).toBe(`/api/checkouts/${checkoutId}`);
  });

  it.each([
    ['key-reused', 422],
    ['full', 503],
    ['unknown', 503],
  ] as const)('that the intake calls %s is answered %i', async (kind, status) => {
    const answer = buy();
    (await desk.nextSent()).onIntake({ id: checkoutId, kind });
    expect((await answer).status).toBe(status);
    expect(desk.heard.size).toBe(0);
  });

  it('that is refused at the door, at once or later, is never sent', async () => {
    const soldOut = new Problem(409, 'sold-out', 'Sold out');
    for (const admits of [
      () => soldOut,
      async () => soldOut,
      async () => Promise.reject(soldOut),
    ]) {
      desk.admits = admits;
      expect((await buy()).status).toBe(409);
    }
    expect(desk.sent).toEqual([]);
  });

  it('whose body is too large or no JSON is refused, and the rest of it not awaited', async () => {
    expect((await buy({}, 'x'.repeat(bodyBytesMax + 1)).catch(() => null))?.status ?? 413).toBe(
      413,
    );
    expect((await buy({}, '{')).status).toBe(400);
    expect(desk.sent).toEqual([]);
  });

  it.each(['sent', 'held'])(
    'whose client leaves while it is %s is listened for no more',
    async (when) => {
      const left = httpRequest(url(), { method: 'POST', headers: { 'idempotency-key': 'k' } });
      left.on('error', () => {}).on('response', (_answer: IncomingMessage) => {});
      left.end(JSON.stringify(wanted));
      const attempt = await desk.nextSent();
      if (when === 'held') attempt.onIntake({ id: checkoutId, kind: 'accepted', seq: 7 });
      expect(desk.heard.size).toBe(1);
      left.destroy();
      await closed;
      expect(desk.heard.size).toBe(0);
      attempt.onIntake({ id: checkoutId, kind: 'accepted', seq: 7 });
      attempt.onOutcome(placed); // to nobody, and harmless
    },
  );
});
