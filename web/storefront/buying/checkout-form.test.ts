import { describe, expect, it } from 'vitest';
import type { Basket } from './basket.ts';
import { draftErrors, emptyDraft, purchaseRequest } from './checkout-form.ts';
import { quotedTotal, refusalOf } from './refusal-words.ts';

const draft = {
  ...emptyDraft,
  email: ' ada@example.com ',
  name: 'Ada Lovelace',
  line1: '12 St James Square',
  city: 'London',
  postalCode: 'SW1Y 4JH',
  country: 'GB',
};
const basket: Basket = {
  cartId: null,
  lines: [
    {
      sku: 'BEAR-S',
      title: 'Teddy Bear',
      variantTitle: 'S',
      image: null,
      quantity: 2,
      lineTotal: { amount: 2598, currency: 'USD' },
      available: 5,
    },
  ],
  total: { amount: 2598, currency: 'USD' },
};

describe('the checkout form', () => {
  it('names what is missing, field by field', () => {
    expect(Object.keys(draftErrors(emptyDraft))).toEqual([
      'email',
      'name',
      'line1',
      'city',
      'postalCode',
    ]);
    expect(draftErrors({ ...draft, email: 'ada at example' })).toHaveProperty('email');
    expect(draftErrors(draft)).toEqual({});
  });

  it('becomes a request for the toys themselves, without empty fields', () => {
    expect(purchaseRequest(draft, basket)).toEqual({
      lines: [{ sku: 'BEAR-S', quantity: 2 }],
      email: 'ada@example.com',
      shippingAddress: {
        name: 'Ada Lovelace',
        line1: '12 St James Square',
        city: 'London',
        postalCode: 'SW1Y 4JH',
        country: 'GB',
      },
      payment: { method: 'test', token: 'tok_ok' },
      expectedTotal: { amount: 2598, currency: 'USD' },
    });
  });

  it('or for the cart, which the shop prices itself', () => {
    const request = purchaseRequest(draft, { ...basket, cartId: 'secret' });
    expect(request).toMatchObject({ cartId: 'secret' });
    expect(request).not.toHaveProperty('lines');
  });
});

describe('a refusal', () => {
  const answer = (extras: object) => ({
    kind: 'problem' as const,
    status: 409,
    problem: { type: 'x/sold-out', title: 'Sold out', status: 409, ...extras },
    retryAfterSeconds: null,
  });

  it('says how many are left when some are', () => {
    expect(refusalOf('sold-out', answer({ available: 2 })).title).toBe('Only 2 are left');
    expect(refusalOf('sold-out', answer({ available: 0 })).title).toBe('Somebody was quicker');
  });

  it('names the field when the shop found one wrong', () => {
    const errors = [{ path: 'body/shippingAddress/city', message: 'is too long' }];
    expect(refusalOf('invalid', answer({ errors })).text).toContain('city is too long');
  });

  it('says the new price where it has risen, and with what total to go on', () => {
    const total = { amount: 9900, currency: 'USD' };
    const risen = answer({ quote: { lines: [], subtotal: total, total } });
    expect(quotedTotal(risen.problem)).toEqual(total);
    expect(quotedTotal(answer({}).problem)).toBeNull();
    expect(refusalOf('price-changed', risen).text).toContain('$99.00');
  });

  it('names the order that bought the cart', () => {
    const words = refusalOf('cart-already-bought', answer({ order: { number: '12' } }));
    expect(words.text).toContain('order 12');
  });

  it('always says that nothing was charged', () => {
    for (const reason of [
      'sold-out',
      'payment-declined',
      'expired',
      'failed',
      'price-changed',
      'cart-already-bought',
      'anything',
    ]) {
      expect(refusalOf(reason, answer({})).text).toContain('Nothing was charged');
    }
  });
});
