/** A worker that is paid through Stripe: the money of a checkout and its order, end to end. */
import { afterEach, describe, expect, it } from 'vitest';
import { MemoryQueue } from '../../../test/queue/memory-queue.ts';
import { StripeFixture, stripeKey } from '../../../test/stripe-fixture.ts';
import { Hiccup, WorkerWorld } from '../../../test/worker/worker-world.ts';
import type { DecidedCheckout, NewCheckout } from '../../queue/purchase-queue.ts';
import { PaymentsByMethod } from './payment-methods.ts';
import type { WorkerLimits } from './ports.ts';
import { StripePayments } from './stripe-payments.ts';
import { WorkerLoop } from './worker-loop.ts';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function openShop(limits: Partial<WorkerLimits> = {}, queue = new MemoryQueue()) {
  const stripe = await StripeFixture.start();
  const world = new WorkerWorld(limits, queue);
  const card = new StripePayments({
    secretKey: stripeKey,
    apiBase: stripe.url,
    now: () => world.time.now(),
  });
  const payments = new PaymentsByMethod({ card, test: null });
  const loop = new WorkerLoop({ ...world.ports, payments }, world.limits);
  loop.start();
  stops.push(async () => {
    const stopped = loop.stop(0);
    await world.time.pass(1_000);
    await stopped;
    await stripe[Symbol.asyncDispose]();
  });
  /** Time goes on, Stripe's own answers take what they take, until it is so. */
  const until = async (isSo: () => Promise<boolean> | boolean): Promise<void> => {
    await expect
      .poll(
        async () => {
          await world.time.pass(50);
          return isSo();
        },
        { interval: 1, timeout: 20_000 },
      )
      .toBe(true);
  };
  const buy = async (token: string): Promise<NewCheckout> => {
    const [checkout] = await world.accept(token);
    if (checkout === undefined) throw new Error('nothing was accepted');
    Object.assign(checkout.request.payment, { method: 'card' });
    loop.notify();
    return checkout;
  };
  const isDecided = async (checkout: NewCheckout): Promise<boolean> => {
    return (await world.fate(checkout)) !== 'queued';
  };
  return { stripe, world, loop, until, buy, isDecided };
}

describe('a purchase by card', () => {
  it('is placed with its payment, and captures what the order costs', async () => {
    const { stripe, world, until, buy, isDecided } = await openShop();
    const checkout = await buy('pm_card');
    await until(() => isDecided(checkout));
    const [intent] = stripe.of(checkout.id);
    expect(await world.queue.find(checkout.id)).toMatchObject({
      decision: { kind: 'placed', total: 1_299, paymentId: intent?.id },
    });
    expect(stripe.captured(checkout.id)).toBe(1_299);
  });

  it('whose answer is lost is asked for by its key, and charged once', async () => {
    const { stripe, world, until, buy, isDecided } = await openShop();
    stripe.loseAnswers(2);
    const checkout = await buy('pm_card');
    await until(() => isDecided(checkout));
    expect(await world.fate(checkout)).toBe('placed');
    expect(stripe.of(checkout.id)).toHaveLength(1);
    expect(stripe.captured(checkout.id)).toBe(1_299);
  });

  it('that is declined gives its stock back, and captures nothing', async () => {
    const { stripe, world, until, buy } = await openShop();
    const checkout = await buy('pm_declined');
    await until(() => world.stock.released.length > 0);
    expect(await world.fate(checkout)).toBe('payment-declined');
    expect(world.stock.released).toEqual([checkout.id]);
    expect(stripe.captured(checkout.id)).toBe(0);
  });

  it('that is refunded by the shop gives its money back', async () => {
    const { stripe, world, until, buy, isDecided } = await openShop();
    const checkout = await buy('pm_card');
    await until(() => isDecided(checkout));
    world.queue.follow(checkout.id, 'refund');
    world.queue.follow(checkout.id, 'refund');
    await until(() => world.pending().length === 0);
    expect(stripe.captured(checkout.id)).toBe(0);
    expect(stripe.of(checkout.id)).toMatchObject([{ amountRefunded: 1_299 }]);
  });
});

describe('money without an order', () => {
  it('is given back where the payment was approved and the order can never be placed', async () => {
    class RefusingQueue extends MemoryQueue {
      override async decide(token: string, batch: readonly DecidedCheckout[]): Promise<number[]> {
        if (batch.some((each) => each.decision.kind === 'placed')) throw new TypeError('refused');
        return super.decide(token, batch);
      }
    }
    const { stripe, world, until, buy, isDecided } = await openShop({}, new RefusingQueue());
    const checkout = await buy('pm_card');
    await until(() => isDecided(checkout));
    expect(await world.fate(checkout)).toBe('failed');
    expect(stripe.captured(checkout.id)).toBe(1_299);
    await until(() => world.reports.includes('follow-up-failed')); // search does not show it yet
    stripe.index();
    await until(() => world.pending().length === 0);
    expect(stripe.captured(checkout.id)).toBe(0);
    expect(world.stock.released).toEqual([checkout.id]);
  });

  it('is given back where Stripe answered after the shop had given up', async () => {
    const { stripe, world, until, buy, isDecided } = await openShop({ paymentDeadlineMs: 1_000 });
    const letGo = stripe.hold();
    const checkout = await buy('pm_card');
    await until(() => isDecided(checkout));
    expect(await world.fate(checkout)).toBe('payment-timeout');
    letGo();
    await until(() => stripe.captured(checkout.id) > 0);
    stripe.index();
    await until(() => world.pending().length === 0);
    expect(stripe.captured(checkout.id)).toBe(0);
    expect(stripe.of(checkout.id)).toHaveLength(1);
  });

  it('cannot come of a charge that arrives behind its void', async () => {
    const { stripe, world, until, buy } = await openShop();
    world.stock.fails = () => new Hiccup();
    const checkout = await buy('pm_card');
    await world.time.pass(601_000);
    expect(await world.fate(checkout)).toBe('expired');
    await until(() => world.pending().length === 0);
    // of a worker that was paused since it reserved, and knows nothing of all this
    const { time } = world;
    const late = new StripePayments({
      secretKey: stripeKey,
      apiBase: stripe.url,
      now: () => time.now(),
    });
    const charge = { key: checkout.id, amount: 1_299, currency: 'USD', method: 'card' };
    const outcome = await late.charge(
      { ...charge, token: 'pm_card' },
      new AbortController().signal,
    );
    expect(outcome).toMatchObject({ kind: 'unknown' });
    expect(stripe.captured(checkout.id)).toBe(0);
    expect(stripe.of(checkout.id)).toEqual([]);
  });
});
