import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { TestBrowser } from './browser.ts';
import { fillCheckout, placeOrder } from './shopper.ts';

let browser: TestBrowser;
beforeAll(async () => {
  browser = await TestBrowser.open();
});
afterAll(() => browser[Symbol.asyncDispose]());

it('sells a toy to a person with a browser, who finds the order again', async () => {
  await using visit = await browser.visit(new URL(inject('shopUrl')).origin);
  const { page } = visit;
  await page.goto('/');
  await page.getByRole('searchbox').fill('teddy bear');
  await page.getByRole('button', { name: 'Search' }).click();
  await page.getByRole('link', { name: 'Teddy Bear', exact: true }).click();
  await page.getByRole('heading', { name: 'Teddy Bear', level: 1 }).waitFor();
  await page.getByRole('button', { name: 'Add to cart' }).click();
  await page.getByRole('link', { name: 'See the cart' }).click();
  await page.getByRole('link', { name: 'Check out' }).click();
  await fillCheckout(page);
  await placeOrder(page);
  await page.getByText('Your order is placed and paid.').waitFor();

  const number = (await page.locator('.order-number').textContent()) ?? '';
  expect(number).toMatch(/^[0-9]+$/);
  expect(await page.locator('.order-lines tbody tr').count()).toBe(1);
  await page.goto('/orders');
  await page.getByRole('link', { name: `Order ${number}` }).click();
  await page.getByRole('heading', { name: `Order ${number}` }).waitFor();
  expect(visit.complaints).toEqual([]);
});
