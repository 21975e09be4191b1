import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { MemoryQueue } from '../../../test/queue/memory-queue.ts';
import { start } from '../../../test/queue/sample-checkout.ts';
import {
  declines,
  Hiccup,
  neverAnswers,
  says,
  WorkerWorld,
} from '../../../test/worker/worker-world.ts';
import type { DecidedCheckout } from '../../queue/purchase-queue.ts';
import { Batch } from './batch.ts';
import { PaymentScheduler } from './payment-scheduler.ts';

/** Claims everything that waits. */
async function claim(world: WorkerWorld, limit = 100): Promise<Batch> {
  const token = randomUUID();
  const { leaseMs } = world.limits;
  const claimed = await world.queue.claim({
    token,
    limit,
    retriesMax: 9,
    leaseMs,
    now: world.time.now(),
  });
  const payments = new PaymentScheduler(world.ports, world.limits);
  return new Batch(world.ports, world.limits, payments, token, claimed);
}

const fates = (world: WorkerWorld, checkouts: readonly { id: string }[]): Promise<string[]> =>
  Promise.all(checkouts.map((each) => world.fate(each)));

describe('a batch', () => {
  it('sells what is reserved and paid, at the price of the reservation', async () => {
    const world = new WorkerWorld();
    const [checkout] = await world.accept('tok_ok');
    await (await claim(world)).run();
    const id = checkout?.id ?? '';
    expect(world.payments.charges).toEqual([
      { key: id, amount: 1_299, currency: 'USD', method: 'test', token: 'tok_ok' },
    ]);
    const lines = [{ sku: 'BEAR-S', title: 'Teddy Bear', quantity: 1, unitPrice: 1_299 }];
    expect(await world.queue.find(id)).toMatchObject({
      decision: { kind: 'placed', lines, total: 1_299, paymentId: `pay-${id}`, placedAt: start },
    });
    expect(world.announced.map((each) => each.id)).toEqual([id]);
    expect(world.pending()).toEqual([]);
  });

  it('refuses what is sold out, without asking for a payment', async () => {
    const world = new WorkerWorld();
    world.stock.available.set('BEAR-S', 1);
    const checkouts = await world.accept('tok_ok', 'tok_ok');
    await (await claim(world)).run();
    expect(await fates(world, checkouts)).toEqual(['placed', 'sold-out']);
    expect(world.payments.charges).toHaveLength(1);
    expect(world.pending()).toEqual([]);
  });

  it('refuses a total that no order can have, without a payment; its units go back', async () => {
    const world = new WorkerWorld();
    world.stock.available.set('BEAR-S', 100_000_000);
    const [checkout] = await world.accept('tok_ok');
    Object.assign(checkout?.request ?? {}, { lines: [{ sku: 'BEAR-S', quantity: 10_000_000 }] });
    await (await claim(world)).run();
    expect(await world.fate(checkout)).toBe('total-too-large');
    expect(world.payments.charges).toEqual([]);
    expect(world.pending()).toEqual([`release ${checkout?.id}`]);
  });

  it.each([
    [1_299, 'placed'],
    [9_900, 'placed'],
    [1_000, 'price-changed'],
  ])('where the buyer expects a total of %i and it is 1,299 is %s', async (amount, fate) => {
    const world = new WorkerWorld();
    const [checkout] = await world.accept('tok_ok');
    Object.assign(checkout?.request ?? {}, { expectedTotal: { amount, currency: 'USD' } });
    await (await claim(world)).run();
    expect(await world.fate(checkout)).toBe(fate);
    expect(world.payments.charges).toHaveLength(fate === 'placed' ? 1 : 0);
    expect(world.pending()).toEqual(fate === 'placed' ? [] : [`release ${checkout?.id}`]);
  });

  it('does not take an amount of another currency for the expected one', async () => {
    const world = new WorkerWorld();
    const [checkout] = await world.accept('tok_ok');
    Object.assign(checkout?.request ?? {}, { expectedTotal: { amount: 9_999, currency: 'JPY' } });
    await (await claim(world)).run();
    expect(await world.fate(checkout)).toBe('price-changed');
  });

  /** Two checkouts that buy the same version of a cart. */
  const buyingOneCart = async (world: WorkerWorld, ...tokens: string[]) => {
    const checkouts = await world.accept(...tokens);
    const cart = { key: randomUUID(), version: randomUUID() };
    for (const each of checkouts) Object.assign(each.request, { cart });
    return checkouts;
  };

  it('buys a cart once: a second purchase gets the order number and takes nothing', async () => {
    const world = new WorkerWorld();
    const [first, second] = await buyingOneCart(world, 'tok_ok', 'tok_ok');
    await (await claim(world)).run();
    expect([await world.fate(first), await world.fate(second)]).toEqual(['placed', 'queued']);
    await world.time.pass(world.limits.cartWaitMs);
    await (await claim(world)).run();
    expect(await world.queue.find(second?.id ?? '')).toMatchObject({
      decision: { rejection: { reason: 'cart-already-bought', order: 1 } },
    });
    expect(world.stock.asked).toEqual([[first?.id]]);
    expect(world.payments.charges).toHaveLength(1);
    expect(world.pending()).toEqual([`empty-cart ${first?.id}`]);
  });

  it('lets the next buy a cart whose first purchase was declined', async () => {
    const world = new WorkerWorld();
    world.payments.answers.set('tok_declined', declines);
    const [first, second] = await buyingOneCart(world, 'tok_declined', 'tok_ok');
    await (await claim(world)).run();
    await world.time.pass(world.limits.cartWaitMs);
    await (await claim(world)).run();
    expect(await fates(world, [first, second] as never)).toEqual(['payment-declined', 'placed']);
  });

  it('reserves lines of the same SKU together', async () => {
    const world = new WorkerWorld();
    world.stock.available.set('BEAR-S', 3);
    const [checkout] = await world.accept('tok_ok');
    const lines = [
      { sku: 'BEAR-S', quantity: 2 },
      { sku: 'BEAR-S', quantity: 2 },
    ];
    Object.assign(checkout?.request ?? {}, { lines });
    await (await claim(world)).run();
    expect(await world.fate(checkout)).toBe('sold-out');
  });

  it('releases what was declined, after the decision and not before', async () => {
    const world = new WorkerWorld();
    world.payments.answers.set('tok_declined', declines);
    const [checkout] = await world.accept('tok_declined');
    await (await claim(world)).run();
    expect(await world.fate(checkout)).toBe('payment-declined');
    expect(world.stock.released).toEqual([]);
    expect(world.pending()).toEqual([`release ${checkout?.id}`]);
  });

  it('rejects what has expired before anyone is asked or charged', async () => {
    const world = new WorkerWorld();
    const checkouts = await world.accept('tok_ok', 'tok_ok');
    await world.time.pass(600_000);
    await (await claim(world)).run();
    expect(await fates(world, checkouts)).toEqual(['expired', 'expired']);
    expect(world.stock.asked).toEqual([]);
    expect(world.payments.charges).toEqual([]);
  });

  it('decides what is paid while a slow payment goes on', async () => {
    const world = new WorkerWorld();
    world.payments.answers.set('tok_timeout', neverAnswers);
    const [slow, quick] = await world.accept('tok_timeout', 'tok_ok');
    const running = (await claim(world)).run();
    await world.time.pass(world.limits.decideEveryMs);
    expect([await world.fate(slow), await world.fate(quick)]).toEqual(['queued', 'placed']);
    await world.time.pass(60_000);
    await running;
  });

  it('puts back what was not answered, ever longer, then voids and releases it', async () => {
    const world = new WorkerWorld();
    world.payments.answers.set('tok_lost', says('no answer'));
    const [checkout] = await world.accept('tok_lost');
    const id = checkout?.id ?? '';
    const held = async () => {
      const running = (await claim(world)).run();
      await world.time.pass(world.limits.decideEveryMsMax);
      await running;
    };
    const waits: number[] = [];
    for (let asks = 1; asks < world.limits.paymentAsksMax; asks += 1) {
      await held();
      const found = await world.queue.find(id);
      expect(found).toMatchObject({ kind: 'queued', retryAt: expect.any(Number) });
      const wait = (found as { retryAt: number }).retryAt - world.time.now();
      waits.push(Math.round(wait / 1_000));
      await world.time.pass(wait);
    }
    expect(waits).toEqual([2, 8]);
    await held();
    expect(world.payments.charges.map(({ key }) => key)).toEqual([id, id, id]);
    expect(await world.fate(checkout)).toBe('payment-timeout');
    expect(world.pending()).toEqual([`release ${id}`, `void ${id}`]);
  });

  it('never takes an unanswered payment for a decline: a later answer counts', async () => {
    const world = new WorkerWorld();
    world.payments.answers.set('tok_lost', says('no answer'));
    const [checkout] = await world.accept('tok_lost');
    const first = (await claim(world)).run();
    await world.time.pass(world.limits.decideEveryMsMax);
    await first;
    world.payments.answers.clear();
    await world.time.pass(world.limits.paymentRetryMs);
    await (await claim(world)).run();
    expect(await world.fate(checkout)).toBe('placed');
    expect(world.stock.asked).toHaveLength(2); // the first answer again
    expect(world.pending()).toEqual([]);
  });
});

describe('a lease', () => {
  it('is renewed for as long as a payment takes', async () => {
    const world = new WorkerWorld({ paymentDeadlineMs: 60_000 });
    world.payments.answers.set('tok_timeout', neverAnswers);
    const [checkout] = await world.accept('tok_timeout');
    const running = (await claim(world)).run();
    await world.time.pass(5 * world.limits.leaseMs);
    const request = {
      token: randomUUID(),
      limit: 1,
      retriesMax: 9,
      leaseMs: 1,
      now: world.time.now(),
    };
    expect(await world.queue.claim(request)).toEqual([]);
    await world.time.pass(200_000);
    await running;
    expect(await world.fate(checkout)).toBe('queued');
  });

  it('that another took over leaves nothing to decide, release or announce', async () => {
    const world = new WorkerWorld();
    world.payments.answers.set('tok_slow', async ({ key }) => {
      await world.time.sleep(20_000);
      return { kind: 'approved', paymentId: key };
    });
    world.queue.extend = async () => []; // paused: its renewals come too late
    const [checkout] = await world.accept('tok_slow');
    const slow = (await claim(world)).run();
    await world.time.pass(world.limits.leaseMs);
    world.payments.answers.set('tok_slow', declines);
    await (await claim(world)).run();
    await world.time.pass(60_000);
    await slow;
    expect(await world.fate(checkout)).toBe('payment-declined');
    expect(world.announced).toHaveLength(1);
    expect(world.reports).toContain('lease-lost');
    expect(world.pending()).toEqual([`release ${checkout?.id}`]);
  });

  it('is not taken for lost where the database cannot be asked', async () => {
    const world = new WorkerWorld();
    world.payments.answers.set('tok_slow', async ({ key }) => {
      await world.time.sleep(world.limits.leaseMs - 1);
      return { kind: 'approved', paymentId: key };
    });
    world.queue.extend = () => Promise.reject(new Hiccup());
    const [checkout] = await world.accept('tok_slow');
    const running = (await claim(world)).run();
    await world.time.pass(2 * world.limits.leaseMs);
    await running;
    expect(await world.fate(checkout)).toBe('placed');
    expect(world.reports).toContain('lease-renewal-failed');
    expect(world.reports).not.toContain('lease-lost');
  });

  it('is given back for what is still open when the worker has to go', async () => {
    const world = new WorkerWorld();
    world.payments.answers.set('tok_timeout', neverAnswers);
    const [slow, quick] = await world.accept('tok_timeout', 'tok_ok');
    const batch = await claim(world);
    const running = batch.run();
    await world.time.pass(world.limits.decideEveryMs);
    await batch.abandon();
    const request = {
      token: randomUUID(),
      limit: 9,
      retriesMax: 9,
      leaseMs: 1,
      now: world.time.now(),
    };
    const again = await world.queue.claim(request);
    expect(again.map(({ id }) => id)).toEqual([slow?.id]);
    expect(await world.fate(quick)).toBe('placed');
    await world.time.pass(60_000);
    await running;
    expect(await world.fate(slow)).toBe('queued');
  });

  it('runs out where the batch ends by a bug', async () => {
    const world = new WorkerWorld();
    world.queue.decide = () => Promise.reject(new TypeError('a bug'));
    await world.accept('tok_ok');
    const running = (await claim(world)).run().catch(() => world.reports.push('batch-failed'));
    await world.time.pass(5_000);
    await running;
    expect(world.reports.at(-1)).toMatch(/^(batch|rejection)-failed$/);
    await world.time.pass(world.limits.leaseMs);
    const request = {
      token: randomUUID(),
      limit: 9,
      retriesMax: 9,
      leaseMs: 1,
      now: world.time.now(),
    };
    expect(await world.queue.claim(request)).toHaveLength(1);
  });
});

describe('trouble', () => {
  it('that passes costs time and nothing else', async () => {
    const world = new WorkerWorld();
    const checkouts = await world.accept('tok_ok', 'tok_ok');
    world.stock.fails = () => (world.time.now() < start + 30_000 ? new Hiccup() : null);
    const running = (await claim(world)).run();
    await world.time.pass(31_000);
    await running;
    expect(await fates(world, checkouts)).toEqual(['placed', 'placed']);
  });

  it('that lasts expires what waits', async () => {
    const world = new WorkerWorld();
    const [checkout] = await world.accept('tok_ok');
    world.stock.fails = () => new Hiccup();
    const running = (await claim(world)).run();
    await world.time.pass(601_000);
    await running;
    expect(await world.fate(checkout)).toBe('expired');
    expect(world.payments.charges).toEqual([]);
  });

  it('with one checkout is found by halving, and does not affect the others', async () => {
    const world = new WorkerWorld();
    const checkouts = await world.accept(...Array(9).fill('tok_ok'));
    const poison = checkouts[5]?.id ?? '';
    world.stock.fails = (batch) =>
      batch.some(({ checkoutId }) => checkoutId === poison) ? new TypeError('poison') : null;
    const running = (await claim(world)).run();
    await world.time.pass(10_000);
    await running;
    const expected = checkouts.map(({ id }) => (id === poison ? 'failed' : 'placed'));
    expect(await fates(world, checkouts)).toEqual(expected);
    expect(world.pending()).toEqual([`release ${poison}`, `void ${poison}`]);
    const alone = world.stock.asked.filter((ids) => ids.length === 1 && ids[0] === poison);
    expect(alone).toHaveLength(world.limits.attemptsMax);
  });

  it('with a decision whose answer was lost asks again, and decides once', async () => {
    class LossyQueue extends MemoryQueue {
      losses = 2;
      override async decide(token: string, batch: readonly DecidedCheckout[]): Promise<number[]> {
        const done = await super.decide(token, batch);
        this.losses -= 1;
        if (this.losses >= 0) throw new Hiccup();
        return done;
      }
    }
    const world = new WorkerWorld({}, new LossyQueue());
    const [checkout] = await world.accept('tok_ok');
    const running = (await claim(world)).run();
    await world.time.pass(1_000);
    await running;
    expect(await world.fate(checkout)).toBe('placed');
    expect(world.payments.charges).toHaveLength(1);
  });

  it('that took workers down with it makes a checkout go alone, then not at all', async () => {
    const world = new WorkerWorld();
    const [suspect, healthy] = await world.accept('tok_ok', 'tok_ok');
    const dieWith = async (limit: number): Promise<void> => {
      await claim(world, limit);
      await world.time.pass(world.limits.leaseMs);
    };
    await dieWith(1);
    await dieWith(1);
    const { ports, limits, queue, time } = world;
    const token = randomUUID();
    const request = { token, limit: 2, retriesMax: 9, leaseMs: limits.leaseMs, now: time.now() };
    const claimed = await queue.claim(request);
    await new Batch(ports, limits, new PaymentScheduler(ports, limits), token, claimed).run();
    expect(world.stock.asked).toEqual([[healthy?.id], [suspect?.id]]);
    expect(await fates(world, [suspect ?? { id: '' }, healthy ?? { id: '' }])).toEqual([
      'placed',
      'placed',
    ]);
    const [hopeless] = await world.accept('tok_ok');
    for (let deaths = 0; deaths < limits.attemptsMax; deaths += 1) await dieWith(1);
    await (await claim(world)).run();
    expect(await world.fate(hopeless)).toBe('failed');
    expect(world.stock.asked).toHaveLength(2);
  });
});
