import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { localClient } from '../../../../test/gateway/fake-shop.ts';
import { systemTime } from '../../../kit/clock.ts';
import { Problem } from '../../../kit/http/problem.ts';
import { answerProblem } from '../answer/answers.ts';
import type { Admitted } from './admission.ts';
import { bodyBytesMax, PurchaseAttempt, type PurchaseStages } from './purchase-pipeline.ts';
import type { Purchase } from './purchase-request.ts';

const checkoutId = '01900000-0000-7000-8000-000000000001';
const firstId = '01900000-0000-7000-8000-000000000000';
const wanted = {
  lines: [{ sku: 'BEAR-S', quantity: 1 }],
  email: 'ada@example.com',
  shippingAddress: { name: 'Zoë', line1: '1', city: 'X', postalCode: '1', country: 'GB' },
  payment: { method: 'test', token: 'tok_ok' },
};

/** Stages that do what the test says, and record what they were given. */
class RecordedStages implements PurchaseStages {
  readonly time = systemTime;
  readonly sent: PurchaseAttempt[] = [];
  readonly subscribed = new Map<string, PurchaseAttempt>();
  readonly registered: string[] = [];
  admits: (purchase: Purchase) => Admitted | Promise<Admitted> = ({ text }) => text;
  #onSent: () => void = () => {};

  readonly admission = { admit: (purchase: Purchase) => this.admits(purchase) };
  readonly intake = {
    accept: (attempt: PurchaseAttempt) => {
      this.sent.push(attempt);
      this.#onSent();
    },
  };
  readonly left: string[] = [];
  readonly open = { leave: (_network: string, id: string) => void this.left.push(id) };
  readonly outcomes = {
    figures: null,
    subscribe: (id: string, attempt: unknown) => {
      this.subscribed.set(id, attempt as PurchaseAttempt);
    },
    unsubscribe: (id: string, attempt: unknown) => {
      if (this.subscribed.get(id) === attempt) this.subscribed.delete(id);
    },
    register: async (ids: readonly string[]) => {
      this.registered.push(...ids);
    },
  };

  readonly defects: unknown[] = [];
  readonly onDefect = (error: unknown) => void this.defects.push(error);

  async nextSent(): Promise<PurchaseAttempt> {
    if (this.sent.length === 0) await new Promise<void>((resolve) => (this.#onSent = resolve));
    return this.sent[0] as PurchaseAttempt;
  }
}

let stages: RecordedStages;
/** Closed responses, in order. */
let closed: Promise<unknown>;
const server = createServer((request, response) => {
  closed = once(response, 'close');
  const attempt = new PurchaseAttempt(
    stages,
    request,
    response,
    { requestId: 'r-1', principal: null, client: localClient },
    { id: checkoutId, expires: 1_000 },
  );
  try {
    attempt.begin();
  } catch (error) {
    answerProblem(request, response, error as Problem);
  }
});

beforeEach(async () => {
  stages = new RecordedStages();
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
  it('is sent in the format of the queue, and answered with its outcome', async () => {
    const answer = buy();
    const attempt = await stages.nextSent();
    const { request, ...checkout } = JSON.parse(attempt.json);
    expect(checkout).toMatchObject({ id: checkoutId, expires: 1_000, customer: null });
    expect(request).toEqual(wanted);
    expect(attempt.isWaitedFor).toBe(true);
    attempt.onIntake({ id: checkoutId, kind: 'accepted', seq: 7 });
    stages.subscribed.get(checkoutId)?.onOutcome(placed);
    const { status, headers } = await answer;
    expect([status, headers.get('location')]).toEqual([201, '/api/orders/7']);
    expect(await (await answer).json()).toEqual({ number: '7' });
    expect(stages.subscribed.size).toBe(0);
  });

  it('is answered once when its outcome overtakes the answer of the intake', async () => {
    const answer = buy();
    const attempt = await stages.nextSent();
    attempt.onOutcome(placed);
    attempt.onIntake({ id: checkoutId, kind: 'accepted', seq: 7 });
    attempt.onOutcome({ ...placed, body: '{"number":"8"}' });
    expect(await (await answer).json()).toEqual({ number: '7' });
  });

  it('that repeats a key waits for the outcome of the first', async () => {
    const answer = buy();
    const attempt = await stages.nextSent();
    attempt.onIntake({ id: checkoutId, kind: 'repeated', first: firstId, seq: 3 });
    expect([...stages.subscribed.keys()]).toEqual([firstId]);
    expect(stages.registered).toEqual([firstId]);
    attempt.onOutcome(placed);
    expect((await answer).status).toBe(201);
  });

  it('is answered 202 when the client does not wait, without a subscription', async () => {
    const answer = buy({ prefer: 'respond-async' });
    const attempt = await stages.nextSent();
    expect([attempt.isWaitedFor, stages.subscribed.size]).toEqual([false, 0]);
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
    (await stages.nextSent()).onIntake({ id: checkoutId, kind });
    expect((await answer).status).toBe(status);
    expect(stages.subscribed.size).toBe(0);
  });

  it('that is refused before the queue, at once or later, is never sent', async () => {
    const soldOut = new Problem(409, 'sold-out', 'Sold out');
    for (const admits of [
      () => soldOut,
      async () => soldOut,
      async () => Promise.reject(soldOut),
    ]) {
      stages.admits = admits;
      expect((await buy()).status).toBe(409);
    }
    expect(stages.sent).toEqual([]);
  });

  it('that meets a bug of ours is answered, and the bug is reported', async () => {
    const bug = new TypeError('not a function');
    stages.admits = () => Promise.reject(bug);
    expect((await buy()).status).toBe(503);
    expect(stages.defects).toEqual([bug]);
  });

  it('is counted as open until its outcome, and no longer where it was refused', async () => {
    const answer = buy();
    const attempt = await stages.nextSent();
    attempt.onIntake({ id: checkoutId, kind: 'accepted', seq: 7 });
    expect(stages.left).toEqual([]);
    attempt.onOutcome(placed);
    await answer;
    expect(stages.left).toEqual([checkoutId]);
    const refused = buy();
    stages.sent.length = 0;
    (await stages.nextSent()).onIntake({ id: checkoutId, kind: 'key-reused' });
    await refused;
    expect(stages.left).toHaveLength(2);
  });

  it('is counted as open where the answer is 202, or the outcome is unknown', async () => {
    for (const result of [
      { id: checkoutId, kind: 'accepted', seq: 7 },
      { kind: 'unknown' },
    ] as const) {
      const answer = buy({ prefer: 'respond-async' });
      (await stages.nextSent()).onIntake(result);
      await answer;
      stages.sent.length = 0;
    }
    expect(stages.left).toEqual([]);
  });

  it('whose body is too large or no JSON is refused, and the rest of it not awaited', async () => {
    expect((await buy({}, 'x'.repeat(bodyBytesMax + 1)).catch(() => null))?.status ?? 413).toBe(
      413,
    );
    expect((await buy({}, '{')).status).toBe(400);
    expect(stages.sent).toEqual([]);
  });

  it.each(['sent', 'waiting'])(
    'whose client leaves while it is %s is subscribed to no more',
    async (when) => {
      const left = httpRequest(url(), { method: 'POST', headers: { 'idempotency-key': 'k' } });
      left.on('error', () => {}).on('response', (_answer: IncomingMessage) => {});
      left.end(JSON.stringify(wanted));
      const attempt = await stages.nextSent();
      if (when === 'waiting') attempt.onIntake({ id: checkoutId, kind: 'accepted', seq: 7 });
      expect(stages.subscribed.size).toBe(1);
      left.destroy();
      await closed;
      expect(stages.subscribed.size).toBe(0);
      attempt.onIntake({ id: checkoutId, kind: 'accepted', seq: 7 });
      attempt.onOutcome(placed); // to nobody, and harmless
    },
  );
});
