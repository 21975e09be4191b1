/** What a shopper does with the pages, for tests against the fake and the real shop alike. */
import type { Page } from 'playwright-core';

const details = [
  ['E-mail', 'ada@example.com'],
  ['Full name', 'Ada Lovelace'],
  ['Street and house', '12 St James Square'],
  ['Postal code', 'SW1Y 4JH'],
  ['Town', 'London'],
] as const;

/** Waits until the page is alive and knows what is bought, then fills it in. */
export async function fillCheckout(page: Page): Promise<void> {
  await page.locator('.summary-total').waitFor();
  for (const [label, value] of details) {
    await page.getByLabel(label, { exact: true }).fill(value);
  }
  await page.getByLabel('Country').selectOption('GB');
}

export async function placeOrder(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Place the order' }).click();
}
