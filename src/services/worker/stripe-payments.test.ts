import { describe, expect, it } from 'vitest';
import { StripeFixture, stripeKey } from '../../../test/stripe-fixture.ts';
import { uuidV7 } from '../../kit/uuid-v7.ts';
import type { Charge } from './payment.ts';
import { PaymentUnsettled, StripePayments } from './stripe-payments.ts';

const start = 1_800_000_000_000;
const hourMs = 3_600_000;
const never = new AbortController().signal;

function chargeOf(token: string, amount = 1_299): Charge {
  return { key: uuidV7(start), amount, currency: 'USD', method: 'card', token };
}

async function open(options: { requestMsMax?: number; now?: number; secretKey?: string } = {}) {
  const stripe = await StripeFixture.start();
  const { now = start, secretKey = stripeKey, ...rest } = options;
  const provider = { secretKey, apiBase: stripe.url, now: () => now, ...rest };
  return {
    stripe,
    payments: new StripePayments(provider),
    [Symbol.asyncDispose]: () => stripe[Symbol.asyncDispose](),
  };
}

describe('a charge', () => {
  it('is approved with the id of its intent, which knows its checkout', async () => {
    await using shop = await open();
    const charge = chargeOf('pm_card');
    const outcome = await shop.payments.charge(charge, never);
    const [intent] = shop.stripe.of(charge.key);
    expect(outcome).toEqual({ kind: 'approved', paymentId: intent?.id });
    expect(intent).toMatchObject({ amount: 1_299, currency: 'usd', status: 'succeeded' });
  });

  it('asked for twice is made once', async () => {
    await using shop = await open();
    const charge = chargeOf('pm_card');
    const first = await shop.payments.charge(charge, never);
    expect(await shop.payments.charge(charge, never)).toEqual(first);
    expect(shop.stripe.captured(charge.key)).toBe(1_299);
  });

  it('whose answer was lost is found by its key, and made once', async () => {
    await using shop = await open();
    const charge = chargeOf('pm_card');
    shop.stripe.loseAnswers(2); // the package itself asks once more on a broken connection
    expect(await shop.payments.charge(charge, never)).toMatchObject({ kind: 'unknown' });
    expect(await shop.payments.charge(charge, never)).toMatchObject({ kind: 'approved' });
    expect(shop.stripe.of(charge.key)).toHaveLength(1);
    expect(shop.stripe.captured(charge.key)).toBe(1_299);
  });

  it('that is answered too late is unknown, and found by its key', async () => {
    await using shop = await open({ requestMsMax: 50 });
    const charge = chargeOf('pm_card');
    const letGo = shop.stripe.hold();
    expect(await shop.payments.charge(charge, never)).toMatchObject({ kind: 'unknown' });
    // the first one is still under way: a conflict, no decline
    expect(await shop.payments.charge(charge, never)).toMatchObject({ kind: 'unknown' });
    letGo();
    await expect
      .poll(() => shop.payments.charge(charge, never), { interval: 5 })
      .toMatchObject({ kind: 'approved' });
    expect(shop.stripe.captured(charge.key)).toBe(1_299);
  });

  it('is unknown as soon as nobody waits for it any more', async () => {
    await using shop = await open();
    const abort = new AbortController();
    const letGo = shop.stripe.hold();
    const asked = shop.payments.charge(chargeOf('pm_card'), abort.signal);
    abort.abort();
    expect(await asked).toMatchObject({ kind: 'unknown' });
    letGo();
  });

  it.each(['pm_declined', 'pm_missing'])('with the token %s is declined', async (token) => {
    await using shop = await open();
    const charge = chargeOf(token);
    expect(await shop.payments.charge(charge, never)).toEqual({ kind: 'declined' });
    expect(await shop.payments.charge(charge, never)).toEqual({ kind: 'declined' });
    expect(shop.stripe.captured(charge.key)).toBe(0);
  });

  it('that the bank wants to ask the buyer about is declined, not answered later', async () => {
    await using shop = await open();
    const charge = chargeOf('pm_question');
    expect(await shop.payments.charge(charge, never)).toEqual({ kind: 'declined' });
    expect(shop.stripe.of(charge.key)).toMatchObject([{ status: 'canceled' }]);
    expect(await shop.payments.charge(charge, never)).toEqual({ kind: 'declined' });
  });

  it('that is being processed is unknown until it is not, whatever is repeated', async () => {
    await using shop = await open();
    const charge = chargeOf('pm_processing');
    expect(await shop.payments.charge(charge, never)).toMatchObject({ kind: 'unknown' });
    const [intent] = shop.stripe.of(charge.key);
    if (intent !== undefined) intent.status = 'succeeded';
    expect(await shop.payments.charge(charge, never)).toMatchObject({ kind: 'approved' });
  });

  it('is unknown while Stripe is out of order, or does not know us', async () => {
    await using shop = await open();
    shop.stripe.fail(1);
    expect(await shop.payments.charge(chargeOf('pm_card'), never)).toMatchObject({
      kind: 'unknown',
    });
    await using other = await open({ secretKey: 'sk_test_wrong' });
    const outcome = await other.payments.charge(chargeOf('pm_card'), never);
    expect(outcome).toMatchObject({ kind: 'unknown' });
  });

  it('that we ask for wrongly is a defect, no decline', async () => {
    await using shop = await open();
    await expect(shop.payments.charge(chargeOf('pm_card', 1), never)).rejects.toThrow('too_small');
  });

  it('of nothing is approved without asking anyone', async () => {
    await using shop = await open();
    const charge = chargeOf('pm_card', 0);
    const outcome = await shop.payments.charge(charge, never);
    expect(outcome).toEqual({ kind: 'approved', paymentId: 'nothing-to-pay' });
    await shop.payments.refund(charge.key, 'card', 'nothing-to-pay');
    expect(shop.stripe.requests).toEqual([]);
  });
});

describe('a void', () => {
  it('gives back what was charged, once, however often it is asked for', async () => {
    await using shop = await open();
    const charge = chargeOf('pm_card');
    await shop.payments.charge(charge, never);
    shop.stripe.index();
    await shop.payments.void(charge.key);
    await shop.payments.void(charge.key);
    expect(shop.stripe.captured(charge.key)).toBe(0);
    const refunds = shop.stripe.requests.filter((each) => each === 'POST /v1/refunds');
    expect(refunds).toHaveLength(2); // the second one has nothing left to give back
  });

  it('of what was never charged lets no late charge through', async () => {
    await using shop = await open();
    const charge = chargeOf('pm_card');
    await shop.payments.void(charge.key);
    expect(await shop.payments.charge(charge, never)).toMatchObject({ kind: 'unknown' });
    expect(shop.stripe.of(charge.key)).toEqual([]);
    await shop.payments.void(charge.key);
    expect([...shop.stripe.intents.values()]).toMatchObject([{ status: 'canceled' }]);
  });

  it('waits for a charge that search does not show yet', async () => {
    await using shop = await open();
    const charge = chargeOf('pm_card');
    await shop.payments.charge(charge, never);
    await expect(shop.payments.void(charge.key)).rejects.toThrow(PaymentUnsettled);
    expect(shop.stripe.captured(charge.key)).toBe(1_299);
    shop.stripe.index();
    await shop.payments.void(charge.key);
    expect(shop.stripe.captured(charge.key)).toBe(0);
  });

  it('does not believe in success while the charge is on its way', async () => {
    await using shop = await open();
    const charge = chargeOf('pm_card');
    const letGo = shop.stripe.hold();
    const charged = shop.payments.charge(charge, never);
    await expect.poll(() => shop.stripe.requests).toHaveLength(1);
    await expect(shop.payments.void(charge.key)).rejects.toThrow('idempotency_key_in_use');
    letGo();
    expect(await charged).toMatchObject({ kind: 'approved' });
    shop.stripe.index();
    await shop.payments.void(charge.key);
    expect(shop.stripe.captured(charge.key)).toBe(0);
  });

  it('gives up looking when search must have caught up: the charge came to nothing', async () => {
    await using shop = await open();
    const charge = chargeOf('pm_card');
    shop.stripe.fail(1);
    expect(await shop.payments.charge(charge, never)).toMatchObject({ kind: 'unknown' });
    await expect(shop.payments.void(charge.key)).rejects.toThrow(PaymentUnsettled);
    const later = new StripePayments({
      secretKey: stripeKey,
      apiBase: shop.stripe.url,
      now: () => start + hourMs,
    });
    await expect(later.void(charge.key)).resolves.toBeUndefined();
  });

  it('seals no key that Stripe may have forgotten: it only looks', async () => {
    await using shop = await open({ now: start + 24 * hourMs });
    const charge = chargeOf('pm_card');
    await shop.payments.charge(charge, never);
    shop.stripe.index();
    await shop.payments.void(charge.key);
    expect(shop.stripe.captured(charge.key)).toBe(0);
    expect(shop.stripe.intents.size).toBe(1);
  });

  it('cancels what was declined, and comes again for what is being processed', async () => {
    await using shop = await open();
    const [declined, processing] = [chargeOf('pm_declined'), chargeOf('pm_processing')];
    await shop.payments.charge(declined, never);
    await shop.payments.charge(processing, never);
    shop.stripe.index();
    await shop.payments.void(declined.key);
    expect(shop.stripe.of(declined.key)).toMatchObject([{ status: 'canceled' }]);
    await expect(shop.payments.void(processing.key)).rejects.toThrow('processing');
    const [intent] = shop.stripe.of(processing.key);
    if (intent !== undefined) intent.status = 'succeeded';
    await shop.payments.void(processing.key);
    expect(shop.stripe.captured(processing.key)).toBe(0);
  });
});

describe('a refund', () => {
  it('gives the money of an order back, once, however often it is asked for', async () => {
    await using shop = await open();
    const charge = chargeOf('pm_card');
    const outcome = await shop.payments.charge(charge, never);
    const paymentId = outcome.kind === 'approved' ? outcome.paymentId : '';
    shop.stripe.loseAnswers(2);
    await expect(shop.payments.refund(charge.key, 'card', paymentId)).rejects.toThrow();
    await shop.payments.refund(charge.key, 'card', paymentId);
    expect(shop.stripe.captured(charge.key)).toBe(0);
    expect(shop.stripe.of(charge.key)).toMatchObject([{ amountRefunded: 1_299 }]);
  });

  it('finds the payment by its checkout where the order does not name it', async () => {
    await using shop = await open();
    const charge = chargeOf('pm_card');
    await shop.payments.charge(charge, never);
    await expect(shop.payments.refund(charge.key, 'card', null)).rejects.toThrow(PaymentUnsettled);
    shop.stripe.index();
    await shop.payments.refund(charge.key, 'card', null);
    expect(shop.stripe.captured(charge.key)).toBe(0);
  });
});
