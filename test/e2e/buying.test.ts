import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TestBrowser } from './browser.ts';
import { FakeShop } from './fake-shop.ts';
import type { Answer, Received } from './fake-state.ts';
import { fillCheckout, placeOrder } from './shopper.ts';

const checkoutId = '0198c0de-0000-7000-8000-000000000001';
const placed = {
  number: '1042',
  token: 'secret',
  checkoutId,
  state: 'placed',
  lines: [
    {
      sku: 'BEAR-L',
      title: 'Teddy Bear',
      quantity: 1,
      unitPrice: { amount: 1999, currency: 'USD' },
    },
  ],
  total: { amount: 1999, currency: 'USD' },
  placedAt: '2026-11-20T12:00:00.000Z',
};
const problem = (status: number, kind: string, headers = {}): Answer => ({
  status,
  body: { type: `https://doorbuster.example/problems/${kind}`, title: kind, status },
  headers,
});
const bought: Answer = { status: 201, body: placed };

let shop: FakeShop;
let browser: TestBrowser;
beforeAll(async () => {
  [shop, browser] = await Promise.all([FakeShop.open(), TestBrowser.open()]);
  const shippingAddress = { name: 'Ada', line1: 'x', city: 'x', postalCode: 'x', country: 'GB' };
  shop.orders.set('1042', { ...placed, email: 'ada@example.com', shippingAddress });
});
afterAll(async () => {
  await browser[Symbol.asyncDispose]();
  await shop[Symbol.asyncDispose]();
});
beforeEach(() => {
  shop.received.length = 0;
  shop.onCheckout = null;
  shop.checkoutNow = null;
});

const purchases = (): Received[] =>
  shop.received.filter(({ method, url }) => method === 'POST' && url.pathname === '/api/orders');
const keys = () => purchases().map(({ headers }) => headers['idempotency-key']);

/** Answers purchases in turn; the last answer stays. */
function answerPurchases(...answers: (Answer | null)[]): void {
  shop.onOrder = () => (answers.length > 1 ? (answers.shift() ?? null) : (answers[0] ?? null));
}

async function startCheckout(page: Page): Promise<void> {
  await page.goto('/products/teddy-bear?variant=BEAR-L');
  await page.getByRole('button', { name: 'Buy now' }).click();
  await fillCheckout(page);
}

async function* following(...statuses: unknown[]) {
  yield* statuses;
  await new Promise(() => {}); // the stream stays open until the browser leaves
}

describe('buying', () => {
  it('sends what was chosen once, and shows the order', async () => {
    answerPurchases(bought);
    await using visit = await browser.visit(shop.url);
    await startCheckout(visit.page);
    await placeOrder(visit.page);
    await visit.page.waitForURL('/orders/1042?token=secret#placed');
    await visit.page.getByText('Your order is placed and paid.').waitFor();
    expect(purchases()).toHaveLength(1);
    expect(purchases()[0]).toMatchObject({
      headers: { prefer: 'wait=10' },
      body: {
        lines: [{ sku: 'BEAR-L', quantity: 1 }],
        email: 'ada@example.com',
        shippingAddress: { name: 'Ada Lovelace', country: 'GB' },
        payment: { method: 'test', token: 'tok_ok' },
      },
    });
    await visit.page.goto('/orders');
    await visit.page.getByRole('link', { name: 'Order 1042' }).waitFor();
    expect(visit.complaints).toEqual([]);
  });

  it('buys the cart and forgets it', async () => {
    answerPurchases(bought);
    await using visit = await browser.visit(shop.url);
    const { page } = visit;
    await page.goto('/products/teddy-bear');
    await page.getByRole('button', { name: 'Add to cart' }).click();
    await page.getByRole('link', { name: 'go to the checkout' }).click();
    await fillCheckout(page);
    await placeOrder(page);
    await page.getByText('Your order is placed and paid.').waitFor();
    expect(purchases()[0]?.body).toHaveProperty('cartId');
    expect(await page.locator('[data-cart-count]').isHidden()).toBe(true);
  });

  it('names what is missing and takes the shopper there', async () => {
    await using visit = await browser.visit(shop.url);
    await startCheckout(visit.page);
    await visit.page.getByLabel('Town').fill('');
    await placeOrder(visit.page);
    await visit.page.getByText('Which town?').waitFor();
    expect(await visit.page.evaluate(() => document.activeElement?.id)).toBe('checkout-city');
    expect(purchases()).toHaveLength(0);
  });
});

describe('a refusal', () => {
  it('of the payment keeps what was typed and takes another card with another key', async () => {
    answerPurchases(problem(402, 'payment-declined'), bought);
    await using visit = await browser.visit(shop.url);
    const { page } = visit;
    await startCheckout(page);
    await page.getByLabel('Empty test card').check();
    await placeOrder(page);
    await page.getByText('The payment was declined').waitFor();
    await page.getByText('Nothing was charged').waitFor();
    expect(await page.getByLabel('Full name').inputValue()).toBe('Ada Lovelace');
    await page.getByLabel('Test card', { exact: false }).first().check();
    await placeOrder(page);
    await page.waitForURL('/orders/1042**');
    expect(new Set(keys()).size).toBe(2);
  });

  it('because it is sold out says who was quicker', async () => {
    answerPurchases(problem(409, 'sold-out'));
    await using visit = await browser.visit(shop.url);
    await startCheckout(visit.page);
    await placeOrder(visit.page);
    await visit.page.getByText('Somebody was quicker').waitFor();
  });

  it('because the price has risen names the new one, and buys at it by one press', async () => {
    const total = { amount: 9_900, currency: 'USD' };
    const refusal = problem(409, 'price-changed');
    const body = { ...(refusal.body as object), quote: { lines: [], subtotal: total, total } };
    answerPurchases({ ...refusal, body }, bought);
    await using visit = await browser.visit(shop.url);
    await startCheckout(visit.page);
    await placeOrder(visit.page);
    await visit.page.getByText('Your order costs $99.00 now.').waitFor();
    await visit.page.getByRole('button', { name: 'Order for $99.00' }).click();
    await visit.page.waitForURL('/orders/1042**');
    expect(purchases().at(-1)?.body).toMatchObject({ expectedTotal: total });
    expect(new Set(keys()).size).toBe(2);
  });
});

describe('an answer that never came', () => {
  it('is asked for again with the same key and the same request', async () => {
    answerPurchases(null, bought);
    await using visit = await browser.visit(shop.url);
    await startCheckout(visit.page);
    await placeOrder(visit.page);
    await visit.page.getByText('No answer came back').waitFor();
    expect(await visit.page.getByLabel('Full name').isDisabled()).toBe(true);
    await visit.page.getByRole('button', { name: 'Ask again' }).click();
    await visit.page.waitForURL('/orders/1042**');
    expect(purchases().length).toBeGreaterThan(1);
    expect(new Set(keys()).size).toBe(1);
    expect(new Set(purchases().map(({ body }) => JSON.stringify(body))).size).toBe(1);
  });

  it('is asked for by a reload, which never buys twice', async () => {
    answerPurchases(null, bought);
    await using visit = await browser.visit(shop.url);
    await startCheckout(visit.page);
    await placeOrder(visit.page);
    await visit.page.getByText('No answer came back').waitFor();
    await visit.page.reload();
    await visit.page.waitForURL('/orders/1042**');
    expect(new Set(keys()).size).toBe(1);
  });
});

describe('a crowd', () => {
  it('at the till is waited out with the same key', async () => {
    answerPurchases(problem(503, 'queue-full', { 'retry-after': '1' }), bought);
    await using visit = await browser.visit(shop.url);
    await startCheckout(visit.page);
    await placeOrder(visit.page);
    await visit.page.getByText('It is crowded at the till').waitFor();
    await visit.page.getByRole('button', { name: 'Stop trying' }).waitFor();
    await visit.page.waitForURL('/orders/1042**');
    expect(keys()).toHaveLength(2);
    expect(new Set(keys()).size).toBe(1);
  });

  it('in the line shows the place, live, until the order is there', async () => {
    const inLine = { id: checkoutId, state: 'queued', position: 348 };
    answerPurchases({ status: 202, body: inLine }, bought);
    const queued = { id: checkoutId, state: 'queued' };
    let letPlaced = () => {};
    const gate = new Promise<void>((resolve) => {
      letPlaced = resolve;
    });
    shop.onCheckout = (async function* () {
      yield { ...queued, position: 348, etaSeconds: 95 };
      yield { ...queued, position: 128, etaSeconds: 42 };
      await gate;
      yield { id: checkoutId, state: 'placed', order: placed };
    })();
    await using visit = await browser.visit(shop.url);
    await startCheckout(visit.page);
    await placeOrder(visit.page);
    await visit.page.waitForURL(`/checkouts/${checkoutId}`);
    await visit.page.getByText('128').waitFor();
    await visit.page.getByText('About 45 seconds to go.').waitFor();
    letPlaced();
    await visit.page.waitForURL('/orders/1042?token=secret#placed');
    expect(new Set(keys()).size).toBe(1);
    expect(visit.complaints).toEqual([]);
  });

  it('tells at once when the toy is gone', async () => {
    shop.onCheckout = following({ id: checkoutId, state: 'rejected', reason: 'sold-out' });
    await using visit = await browser.visit(shop.url);
    await visit.page.goto(`/checkouts/${checkoutId}`);
    await visit.page.getByRole('heading', { name: 'Somebody was quicker' }).waitFor();
    await visit.page.getByRole('link', { name: 'See what is left' }).waitFor();
  });

  it('is followed by asking where the stream does not come through', async () => {
    shop.checkoutNow = { id: checkoutId, state: 'queued', position: 3, etaSeconds: 2 };
    await using visit = await browser.visit(shop.url);
    await visit.page.goto(`/checkouts/${checkoutId}`);
    await visit.page.getByText('Only a moment now.').waitFor();
    shop.checkoutNow = { id: checkoutId, state: 'placed', order: placed };
    await visit.page.waitForURL('/orders/1042**');
  });

  it('does not know a checkout that never was', async () => {
    await using visit = await browser.visit(shop.url);
    await visit.page.goto(`/checkouts/${checkoutId}`);
    await visit.page.getByRole('heading', { name: 'We do not know this place' }).waitFor();
  });
});
