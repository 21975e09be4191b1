import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../kit/clock.ts';
import { Problem } from '../../../kit/http/problem.ts';
import {
  Admission,
  type AdmissionPorts,
  type CartAnswer,
  placeInLine,
  tooLong,
  waitSeconds,
} from './admission.ts';
import { OpenCheckouts } from './open-checkouts.ts';
import { type Purchase, readPurchase } from './purchase-request.ts';

const figures = { oldestAgeSeconds: 0, arrivalsPerSecond: 0, depth: 0, head: 1 };
const queue = (depth: number, servicePerSecond: number, head = 1) => {
  return { ...figures, depth, head, servicePerSecond };
};

const address = { name: 'Ada', line1: '1', city: 'X', postalCode: '1', country: 'GB' };
const candidate = { id: '01900000-0000-7000-8000-000000000001', network: '192.0.2.1' };

function purchaseOf(wanted: object): Purchase {
  const payment = { method: 'test', token: 'tok_ok' };
  const body = { ...wanted, email: 'ada@example.com', shippingAddress: address, payment };
  return readPurchase(Buffer.from(JSON.stringify(body)), 'key', null);
}

const buying = (...skus: string[]): Purchase =>
  purchaseOf({ lines: skus.map((sku) => ({ sku, quantity: 1 })) });

/** A shop that sells BEAR and GONE, of which nothing is left. */
function shop(given: Partial<AdmissionPorts> = {}) {
  const asked: string[] = [];
  const admission = new Admission({
    time: systemClock,
    stock: {
      knowsAll: (lines) => lines.every(({ sku }) => sku !== 'NEW' && sku !== 'NONE'),
      firstUnknown: async (skus) => skus.find((sku) => sku === 'NONE') ?? null,
      soldOut: (sku) => (sku === 'GONE' ? { available: 0 } : null),
    },
    figures: () => null,
    cart: async () => null,
    neverAccepted: () => true,
    wasAccepted: async ({ key }) => {
      asked.push(key);
      return false;
    },
    queueSecondsMax: 60,
    open: null,
    ...given,
  });
  const admit = async (purchase: Purchase) => {
    const admitted = await admission.admit(purchase, candidate);
    return admitted instanceof Problem ? admitted.body : JSON.parse(admitted);
  };
  return { admission, admit, asked };
}

describe('admission', () => {
  it('admits a purchase of known SKUs at once, with the request as it is stored', () => {
    const purchase = buying('BEAR');
    expect(shop().admission.admit(purchase, candidate)).toBe(purchase.text);
  });

  it('refuses by the first line that is sold out, with the available quantity', async () => {
    const refusal = await shop().admit(buying('BEAR', 'GONE'));
    expect(refusal).toMatchObject({ status: 409, sku: 'GONE', available: 0 });
    expect(refusal.type).toMatch(/\/sold-out$/);
  });

  it('asks for SKUs that were never seen, and names the one that is not sold', async () => {
    expect(await shop().admit(buying('NEW'))).toMatchObject({ lines: [{ sku: 'NEW' }] });
    const refusal = await shop().admit(buying('BEAR', 'NONE'));
    expect(refusal).toMatchObject({ status: 422, errors: [{ path: 'lines.1.sku' }] });
  });

  it('refuses a purchase that would wait too long', async () => {
    const figures = () => queue(90_000, 1_000);
    expect(await shop({ figures }).admit(buying('BEAR'))).toMatchObject({ status: 503 });
  });

  it.each(['GONE', 'NONE'])(
    'lets in whose key was accepted before, whatever is left of %s',
    async (sku) => {
      const accepted = { neverAccepted: () => false, wasAccepted: async () => true };
      expect(await shop(accepted).admit(buying(sku))).toMatchObject({ lines: [{ sku }] });
      const { admit, asked } = shop({ neverAccepted: () => false });
      expect((await admit(buying(sku))).status).toBeGreaterThanOrEqual(409);
      expect(asked).toEqual([buying(sku).key]);
    },
  );
});

describe('a client that holds its share', () => {
  const full = () => {
    const open = new OpenCheckouts(async () => [], 60_000);
    open.enter(candidate.network, 'unanswered', 1_000);
    return open;
  };

  it('is refused until something is decided', async () => {
    const open = full();
    expect(await shop({ open }).admit(buying('BEAR'))).toMatchObject({ status: 429 });
    open.leave(candidate.network, 'unanswered');
    expect(await shop({ open }).admit(buying('BEAR'))).toMatchObject({ lines: [{ sku: 'BEAR' }] });
  });

  it('still gets the answer to a purchase that was accepted before', async () => {
    const accepted = { neverAccepted: () => false, wasAccepted: async () => true };
    const admitted = await shop({ open: full(), ...accepted }).admit(buying('BEAR'));
    expect(admitted).toMatchObject({ lines: [{ sku: 'BEAR' }] });
  });

  it('holds nothing for a refused purchase', async () => {
    const open = new OpenCheckouts(async () => [], 60_000);
    const { admit } = shop({ open });
    for (let times = 0; times < 60; times += 1) {
      expect(await admit(buying('GONE'))).toMatchObject({ status: 409 });
    }
    expect(open.seemsFull(candidate.network)).toBe(false);
  });
});

describe('admission of a cart', () => {
  const lines = [{ sku: 'BEAR', quantity: 2 }];
  const holding = (cart: CartAnswer | null) => shop({ cart: async () => cart });
  const purchase = purchaseOf({ cartId: 'secret' });

  it('stores the lines that the cart holds and their version, and not its secret id', async () => {
    const cart = { key: 'key-1', version: 'version-1' };
    const stored = await holding({ customerId: null, lines, cart }).admit(purchase);
    expect(stored).toMatchObject({
      cart,
      lines,
      email: 'ada@example.com',
      shippingAddress: address,
    });
    expect(stored).not.toHaveProperty('cartId');
  });

  it.each([
    ['there is none', null, 'there is no such cart'],
    ['it is empty', { customerId: null, lines: [], cart: null }, 'is empty'],
    ['it is another customer’s', { customerId: 'c-2', lines, cart: null }, 'is not yours'],
  ] as const)('is refused where %s', async (_case, cart, message) => {
    const refusal = await holding(cart).admit(purchase);
    expect(refusal).toMatchObject({ status: 422, errors: [{ path: 'cartId', message }] });
  });

  it('is 503 where carts cannot be read', async () => {
    const cart = async () => Promise.reject(new Error('no answer'));
    expect(await shop({ cart }).admit(purchase)).toMatchObject({ status: 503 });
  });
});

describe('a queue that is too long', () => {
  it('is one in which a checkout would wait too long', () => {
    expect(tooLong(queue(20_000, 1_000), 20)).toBeNull();
    const { body, headers } = tooLong(queue(20_001, 1_000), 20) ?? { body: null, headers: {} };
    expect(body).toMatchObject({ status: 503, queueDepth: 20_001 });
    expect(headers).toEqual({ 'retry-after': '1' });
  });

  it('is not judged where nothing was measured yet', () => {
    expect(tooLong(null, 20)).toBeNull();
  });

  it('sends Retry-After, at most a minute', () => {
    expect(tooLong(queue(50_000, 1_000), 20)?.headers).toEqual({ 'retry-after': '30' });
    expect(tooLong(queue(1_000_000, 1_000), 20)?.headers).toEqual({ 'retry-after': '60' });
  });

  it('is not concluded from the low rate of an idle shop', () => {
    expect(waitSeconds(queue(50, 0))).toBe(0.5);
    expect(tooLong(queue(1_500, 0), 20)).toBeNull();
  });
});

describe('a place in line', () => {
  const now = 1_800_000_000_000;
  const place = (
    seq: number,
    measured: Parameters<typeof placeInLine>[1],
    { waitedMs = 0, retryInMs = null }: { waitedMs?: number; retryInMs?: number | null } = {},
  ) => {
    const retryAt = retryInMs === null ? null : now + retryInMs;
    const time = (now - waitedMs).toString(16).padStart(12, '0');
    const id = `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-000000000000`;
    return placeInLine({ id, seq, retryAt }, measured, now);
  };

  it('counts from the head of the queue', () => {
    expect(place(1_041, queue(5_000, 1_000, 1_041))).toEqual({ position: 1, etaSeconds: 1 });
    expect(place(3_540, queue(5_000, 1_000, 1_041))).toEqual({
      position: 2_500,
      etaSeconds: 3,
    });
  });

  it('is 1 where nothing was measured yet, or its turn has come', () => {
    expect(place(7, null)).toEqual({ position: 1, etaSeconds: 1 });
    expect(place(7, queue(0, 1_000, 900))).toEqual({ position: 1, etaSeconds: 1 });
  });

  it('is estimated for a stalled queue: as long again as the oldest has waited', () => {
    const stalled = { ...queue(20, 0, 1), oldestAgeSeconds: 30 };
    expect(place(1, stalled).etaSeconds).toBe(30);
    expect(waitSeconds(stalled)).toBe(30);
    const slow = { ...queue(20, 2, 1), oldestAgeSeconds: 30 };
    expect(place(20, slow).etaSeconds).toBe(10);
    const draining = { ...queue(100, 1_000, 1), oldestAgeSeconds: 30 };
    expect(place(100, draining).etaSeconds).toBe(1);
  });

  it('is estimated while its payment takes long', () => {
    const busy = queue(0, 1_000, 900);
    expect(place(7, busy, { waitedMs: 3_000 }).etaSeconds).toBe(3);
    expect(place(7, busy, { waitedMs: 60_000 }).etaSeconds).toBe(5);
    expect(place(7, busy, { waitedMs: 10_000, retryInMs: 7_500 }).etaSeconds).toBe(8);
  });

  it('comes nearer as the queue moves', () => {
    const places = fc.tuple(fc.nat(), fc.nat(), fc.nat({ max: 20_000 }));
    const property = fc.property(places, fc.nat(), ([head, ahead, rate], moved) => {
      const seq = head + ahead;
      const before = place(seq, queue(ahead, rate, head));
      const after = place(seq, queue(ahead, rate, head + moved));
      expect(after.position).toBeLessThanOrEqual(before.position);
      expect(after.etaSeconds).toBeLessThanOrEqual(before.etaSeconds);
      expect(after.position).toBeGreaterThanOrEqual(1);
    });
    fc.assert(property);
  });
});
