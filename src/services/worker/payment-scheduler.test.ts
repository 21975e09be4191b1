import { describe, expect, it } from 'vitest';
import { newCheckout } from '../../../test/queue/sample-checkout.ts';
import { neverAnswers, says, WorkerWorld } from '../../../test/worker/worker-world.ts';
import type { ClaimedCheckout } from '../../queue/purchase-queue.ts';
import { PaymentScheduler } from './payment-scheduler.ts';

let buyers = 0;

/** A checkout of a buyer of its own. */
function claimed(token: string, unanswered = 0): ClaimedCheckout {
  const checkout = newCheckout();
  buyers += 1;
  const email = `buyer-${buyers}@example.com`;
  const request = { ...checkout.request, email, payment: { method: 'test', token } };
  return { ...checkout, request, seq: 1, attempts: 1, unanswered };
}

const reserved = {
  checkoutId: '',
  kind: 'reserved' as const,
  lines: [],
  total: 1_299,
  currency: 'USD',
};
const ours = () => true;

function openScheduler(...[limits]: ConstructorParameters<typeof WorkerWorld>) {
  const world = new WorkerWorld(limits);
  const payments = new PaymentScheduler(world.ports, world.limits);
  const pay = async (checkout: ClaimedCheckout, isOurs = ours) =>
    (await payments.pay(checkout, reserved, isOurs)).kind;
  return { world, payments, pay };
}

describe('payments', () => {
  it('are no more at once than may be', async () => {
    const { world, payments, pay } = openScheduler({ paymentsInFlightMax: 2 });
    const answers: (() => void)[] = [];
    world.payments.answers.set('tok', async () => {
      await new Promise<void>((resolve) => answers.push(resolve));
      return { kind: 'declined' };
    });
    const paid = Array.from({ length: 5 }, () => pay(claimed('tok')));
    await world.time.pass(0);
    for (const left of [4, 3, 2, 1, 0]) {
      expect(payments.inFlight).toBe(Math.min(2, left + 1));
      answers.shift()?.();
      await world.time.pass(0);
    }
    expect(await Promise.all(paid)).toEqual(Array(5).fill('declined'));
    expect(payments.inFlight).toBe(0);
  });

  it('that are never answered let others pay meanwhile, up to a limit', async () => {
    const { world, payments, pay } = openScheduler({ paymentsInFlightMax: 4 });
    world.payments.answers.set('tok', neverAnswers);
    const dead = Array.from({ length: 12 }, () => pay(claimed('tok')));
    const honest = pay(claimed('ok'));
    await world.time.pass(1_000);
    expect(await Promise.race([honest, 'waits'])).toBe('approved');
    const more = Array.from({ length: 20 }, () => pay(claimed('tok')));
    await world.time.pass(1_000);
    expect(world.payments.charges.length).toBeLessThanOrEqual(1 + 4 * 4);
    await world.time.pass(3 * world.limits.paymentDeadlineMs);
    await Promise.all([...dead, ...more]);
    expect(payments.inFlight).toBe(0);
  });

  it('wait for an answer up to the deadline, then abort the request', async () => {
    const { world, pay } = openScheduler();
    world.payments.answers.set('tok', neverAnswers);
    const paid = pay(claimed('tok'));
    await world.time.pass(world.limits.paymentDeadlineMs - 1);
    expect(world.payments.signals[0]?.aborted).toBe(false);
    await world.time.pass(1);
    expect(world.payments.signals[0]?.aborted).toBe(true);
    expect(await paid).toBe('unanswered');
  });

  it('are not asked for where another has taken the checkout over', async () => {
    const { world, pay } = openScheduler();
    expect(await pay(claimed('tok'), () => false)).toBe('not-asked');
    expect(world.payments.charges).toEqual([]);
  });

  it('let a defect of the provider’s adapter out, and go on', async () => {
    const { world, pay } = openScheduler({ paymentsInFlightMax: 1 });
    world.payments.answers.set('tok', () => Promise.reject(new TypeError('a bug')));
    await expect(pay(claimed('tok'))).rejects.toThrow('a bug');
    expect(await pay(claimed('ok'))).toBe('approved');
  });

  it('that are not answered do not make the typical payment look slow', async () => {
    const { world, payments, pay } = openScheduler();
    world.payments.answers.set('tok', neverAnswers);
    await pay(claimed('ok'));
    const before = [payments.decideEveryMs, payments.capacity(400)];
    const paid = Promise.all(Array.from({ length: 19 }, () => pay(claimed('tok'))));
    await world.time.pass(world.limits.paymentDeadlineMs);
    await paid;
    expect([payments.decideEveryMs, payments.capacity(400)]).toEqual(before);
  });
});

describe('a provider that answers no request', () => {
  const limits = { unansweredBuyersMax: 3, probesMax: 2 };

  it('is left alone, also by those who stood in line when that became clear', async () => {
    const { world, payments, pay } = openScheduler({ ...limits, paymentsInFlightMax: 3 });
    world.payments.answers.set('tok', neverAnswers);
    const paid = Array.from({ length: 24 }, () => pay(claimed('tok')));
    await world.time.pass(world.limits.paymentDeadlineMs);
    expect(payments.capacity(400)).toBe(2);
    await world.time.pass(world.limits.paymentDeadlineMs);
    const kinds = await Promise.all(paid);
    expect(kinds.filter((kind) => kind === 'not-asked').length).toBeGreaterThanOrEqual(3);
  });

  it('is tried by fresh payments, one of which finds it well again', async () => {
    const { world, payments, pay } = openScheduler(limits);
    world.payments.answers.set('tok', says('down'));
    for (let each = 0; each < 3; each += 1) await pay(claimed('tok'));
    expect(payments.capacity(400)).toBe(2);
    expect(await pay(claimed('ok'))).toBe('approved');
    expect(payments.capacity(400)).toBeGreaterThan(2);
  });

  it('is still asked for payments that were not answered before, and each ask counts', async () => {
    const { world, payments, pay } = openScheduler(limits);
    world.payments.answers.set('tok', says('down'));
    for (let each = 0; each < 3; each += 1) await pay(claimed('tok'));
    expect(payments.capacity(400)).toBe(2);
    expect(await pay(claimed('tok', 1))).toBe('unanswered');
  });

  it('is not one that leaves one buyer, or old payments, without an answer', async () => {
    const { world, payments, pay } = openScheduler(limits);
    world.payments.answers.set('tok', says('lost'));
    const { request } = claimed('tok');
    for (let each = 0; each < 40; each += 1) await pay({ ...claimed('tok'), request });
    for (let each = 0; each < 40; each += 1) await pay(claimed('tok', 1));
    expect(payments.capacity(400)).toBeGreaterThan(2);
  });
});
