import { describe, expect, it } from 'vitest';
import type { ClaimedCheckout } from '../../queue/purchase-queue.ts';
import { newCheckout, start } from '../../queue/sample-checkout.ts';
import { PaymentDesk } from './payment-desk.ts';
import { approves, neverAnswers, says, WorkerWorld } from './worker-world.ts';

function claimed(token: string, expires = start + 600_000): ClaimedCheckout {
  const checkout = newCheckout({ expires });
  const request = { ...checkout.request, payment: { method: 'test', token } };
  return { ...checkout, request, seq: 1, attempts: 1 };
}

const reserved = {
  checkoutId: '',
  kind: 'reserved' as const,
  lines: [],
  total: 1_299,
  currency: 'USD',
};
const ours = () => true;

const breaker = (failuresMax: number) => ({
  paymentBreaker: { failuresMax, openMs: 2_000, openMsMax: 8_000 },
});

function openDesk(...[limits]: ConstructorParameters<typeof WorkerWorld>) {
  const world = new WorkerWorld(limits);
  return { world, desk: new PaymentDesk(world.ports, world.limits) };
}

describe('the payment desk', () => {
  it('has no more payments under way than it may', async () => {
    const { world, desk } = openDesk({ paymentsInFlightMax: 2 });
    const answers: (() => void)[] = [];
    world.payments.answers.set('tok', async () => {
      await new Promise<void>((resolve) => answers.push(resolve));
      return { kind: 'declined' };
    });
    const settled = Array.from({ length: 5 }, () => desk.settle(claimed('tok'), reserved, ours));
    await world.time.pass(0);
    for (const left of [4, 3, 2, 1, 0]) {
      expect(desk.inFlight).toBe(Math.min(2, left + 1));
      answers.shift()?.();
      await world.time.pass(0);
    }
    expect(await Promise.all(settled)).toEqual(Array(5).fill({ kind: 'declined' }));
    expect(desk.inFlight).toBe(0);
  });

  it('waits for an answer up to the deadline, then tells the provider to stop', async () => {
    const { world, desk } = openDesk({ paymentAttemptsMax: 1 });
    world.payments.answers.set('tok', neverAnswers);
    const settled = desk.settle(claimed('tok'), reserved, ours);
    await world.time.pass(world.limits.paymentDeadlineMs - 1);
    expect(world.payments.signals[0]?.aborted).toBe(false);
    await world.time.pass(1_000);
    expect(world.payments.signals[0]?.aborted).toBe(true);
    expect(await settled).toEqual({ kind: 'gave-up' });
  });

  it('asks again by the same key where no answer came', async () => {
    const { world, desk } = openDesk();
    let answers = 0;
    world.payments.answers.set('tok', (charge, signal) => {
      answers += 1;
      return (answers < 3 ? says('lost') : approves)(charge, signal);
    });
    const checkout = claimed('tok');
    const settled = desk.settle(checkout, reserved, ours);
    await world.time.pass(1_000);
    expect(await settled).toEqual({ kind: 'approved', paymentId: `pay-${checkout.id}` });
    expect(world.payments.charges.map(({ key }) => key)).toEqual(Array(3).fill(checkout.id));
  });

  it('asks no more for a checkout that another has taken over', async () => {
    const { world, desk } = openDesk();
    world.payments.answers.set('tok', says('lost'));
    expect(await desk.settle(claimed('tok'), reserved, () => false)).toBeNull();
    expect(world.payments.charges).toHaveLength(1);
  });

  it('lets a provider’s defect out, and goes on', async () => {
    const { world, desk } = openDesk({ paymentsInFlightMax: 1 });
    world.payments.answers.set('tok', () => Promise.reject(new TypeError('a bug')));
    await expect(desk.settle(claimed('tok'), reserved, ours)).rejects.toThrow('a bug');
    expect(await desk.settle(claimed('ok'), reserved, ours)).toMatchObject({ kind: 'approved' });
  });
});

describe('a provider that answers nobody', () => {
  it('is left alone, also by those who stood in line when that became clear', async () => {
    const { world, desk } = openDesk({ ...breaker(3), paymentsInFlightMax: 1 });
    world.payments.answers.set('tok', says('down'));
    const settled = Array.from({ length: 9 }, () => desk.settle(claimed('tok'), reserved, ours));
    await world.time.pass(1_000);
    expect(world.payments.charges).toHaveLength(3);
    expect(desk.isResting()).toBe(true);
    world.payments.answers.clear();
    await world.time.pass(2_000);
    const outcomes = await Promise.all(settled);
    expect(outcomes.map((each) => each?.kind)).toEqual(Array(9).fill('approved'));
    expect(desk.isResting()).toBe(false);
  });

  it('is tried by one payment at a time, ever more seldom', async () => {
    const { world, desk } = openDesk({ ...breaker(1), paymentAttemptsMax: 99 });
    const times: number[] = [];
    world.payments.answers.set('tok', async () => {
      times.push(world.time.now());
      return { kind: 'unknown', why: 'down' };
    });
    for (let each = 0; each < 4; each += 1) desk.settle(claimed('tok'), reserved, ours);
    await world.time.pass(31_000);
    const [first = 0, ...later] = times;
    expect(later.splice(0, 3)).toEqual([first, first, first]); // before anyone knew
    const pauses = later.map((at, index) => at - (later[index - 1] ?? first));
    const seconds = pauses.map((ms) => Math.floor(ms / 1_000));
    expect(seconds).toEqual([2, 4, 8, 8, 8]);
  });

  it('does not make a checkout wait beyond its own end', async () => {
    const { world, desk } = openDesk(breaker(1));
    world.payments.answers.set('tok', says('down'));
    await desk.settle(claimed('tok'), reserved, () => false);
    const short = desk.settle(claimed('tok', start + 500), reserved, ours);
    await world.time.pass(1_000);
    expect(await short).toEqual({ kind: 'gave-up' });
    expect(world.payments.charges).toHaveLength(1);
  });

  it('cannot keep the desk shut by a trial that ends in a defect', async () => {
    const { world, desk } = openDesk(breaker(1));
    world.payments.answers.set('down', says('down'));
    world.payments.answers.set('bug', () => Promise.reject(new TypeError('a bug')));
    await desk.settle(claimed('down'), reserved, () => false);
    await world.time.pass(2_000);
    await expect(desk.settle(claimed('bug'), reserved, ours)).rejects.toThrow('a bug');
    const settled = desk.settle(claimed('ok'), reserved, ours);
    await world.time.pass(3_000);
    expect(await settled).toMatchObject({ kind: 'approved' });
  });
});
