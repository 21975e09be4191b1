import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { phone, TestBrowser } from './browser.ts';
import { FakeShop } from './fake-shop.ts';

let shop: FakeShop;
let browser: TestBrowser;
beforeAll(async () => {
  [shop, browser] = await Promise.all([FakeShop.open(), TestBrowser.open()]);
});
afterAll(async () => {
  await browser[Symbol.asyncDispose]();
  await shop[Symbol.asyncDispose]();
});

describe('without JavaScript', () => {
  it('leads from the front door over a shelf to a toy and its options', async () => {
    await using visit = await browser.visit(shop.url, { javaScriptEnabled: false });
    const { page } = visit;
    await page.goto('/');
    await page.getByRole('link', { name: 'Plush & Cuddles' }).click();
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('Plush & Cuddles');
    await page.getByRole('link', { name: 'Teddy Bear', exact: true }).click();
    expect(await page.locator('.buy-box .price').textContent()).toBe('$12.99');
    await page.getByRole('link', { name: 'L', exact: true }).click();
    expect(await page.locator('.buy-box .price').textContent()).toBe('$19.99');
    expect(visit.complaints).toEqual([]);
  });

  it('finds toys with the search form and turns pages with links', async () => {
    await using visit = await browser.visit(shop.url, { javaScriptEnabled: false });
    const { page } = visit;
    await page.goto('/');
    await page.getByRole('searchbox').fill('telescope');
    await page.getByRole('button', { name: 'Search' }).click();
    expect(new URL(page.url()).search).toBe('?q=telescope');
    await page.getByRole('link', { name: 'Back Garden Telescope' }).waitFor();
    await page.goto('/products');
    const first = await page.locator('.product-card-title').first().textContent();
    await page.getByRole('link', { name: 'More toys' }).click();
    expect(await page.locator('.product-card-title').first().textContent()).not.toBe(first);
    await page.getByRole('link', { name: 'First page' }).click();
    expect(await page.locator('.product-card-title').first().textContent()).toBe(first);
  });
});

describe('a toy', () => {
  it('changes price, stock and address with its options, in place', async () => {
    for (const variant of shop.product('teddy-bear').variants) variant.available = 12;
    await using visit = await browser.visit(shop.url);
    const { page } = visit;
    await page.goto('/products/teddy-bear');
    await page.locator('[data-island="buy-box"][data-alive]').waitFor({ state: 'attached' });
    await page.getByRole('link', { name: 'L', exact: true }).click();
    await page.getByText('12 left').waitFor();
    expect(new URL(page.url()).search).toBe('?variant=BEAR-L');
    expect(visit.complaints).toEqual([]);
  });

  it('that is sold out says so and cannot be bought', async () => {
    for (const variant of shop.product('parade-drum').variants) variant.available = 0;
    await using visit = await browser.visit(shop.url);
    await visit.page.goto('/products/parade-drum');
    expect(await visit.page.getByRole('button', { name: 'Sold out' }).isDisabled()).toBe(true);
    expect(await visit.page.getByRole('button', { name: 'Add to cart' }).count()).toBe(0);
  });

  it('cannot break out of the page with its name', async () => {
    shop.product('kite-for-modest-winds').title = '</script><script>alert(1)</script>';
    await using visit = await browser.visit(shop.url);
    await visit.page.goto('/products/kite-for-modest-winds');
    const heading = visit.page.getByRole('heading', { level: 1 });
    expect(await heading.textContent()).toBe('</script><script>alert(1)</script>');
    expect(visit.complaints).toEqual([]);
  });
});

describe('the cart', () => {
  it('counts in the header, adds up, changes and empties', async () => {
    await using visit = await browser.visit(shop.url);
    const { page } = visit;
    for (const handle of ['very-small-bricks', 'night-shift-owl']) {
      await page.goto(`/products/${handle}`);
      await page.getByRole('button', { name: 'Add to cart' }).click();
      await page.getByText('In your cart').waitFor();
    }
    expect(await page.locator('[data-cart-count]').textContent()).toBe('2');
    await page.goto('/cart');
    await page.getByRole('button', { name: 'One more' }).first().click();
    await page.locator('.summary-total').getByText('$72.00').waitFor();
    await page.getByRole('button', { name: 'Remove Night Shift Owl' }).click();
    await page.locator('.summary-total').getByText('$48.00').waitFor();
    await page.getByRole('button', { name: /^Remove Very Small Bricks/ }).click();
    await page.getByRole('heading', { name: 'Nothing in here yet' }).waitFor();
    expect(await page.locator('[data-cart-count]').isHidden()).toBe(true);
    expect(visit.complaints).toEqual([]);
  });
});

describe('when something is missing', () => {
  it('the page says 404 in plain words', async () => {
    await using visit = await browser.visit(shop.url);
    for (const address of ['/nothing', '/products/no-such-toy', '/collections/no-such-shelf']) {
      const answer = await visit.page.goto(address);
      expect(answer?.status()).toBe(404);
      await visit.page.getByRole('heading', { name: 'We looked under every bed' }).waitFor();
    }
  });

  it('a resting catalogue says what is safe, and the page heals', async () => {
    await using visit = await browser.visit(shop.url);
    shop.isCatalogueDown = true;
    const answer = await visit.page.goto('/products/teddy-bear');
    shop.isCatalogueDown = false;
    expect(answer?.status()).toBe(503);
    await visit.page.getByText('Your cart and your accepted orders are safe').waitFor();
    await visit.page.getByRole('link', { name: 'Try again' }).click();
    await visit.page.getByRole('heading', { name: 'Teddy Bear', level: 1 }).waitFor();
  });
});

describe('an account', () => {
  it('is opened, shows its orders, and is left', async () => {
    await using visit = await browser.visit(shop.url);
    const { page } = visit;
    await page.goto('/account');
    await page.waitForURL('/sign-in');
    await page.getByRole('link', { name: 'Open an account' }).click();
    await page.getByLabel('Name').fill('Ada');
    await page.getByLabel('E-mail').fill('ada@example.com');
    await page.getByLabel('Password').fill('analytical engine');
    await page.getByRole('button', { name: 'Open my account' }).click();
    await page.getByRole('heading', { name: 'Hello, Ada' }).waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.waitForURL('/');
  });

  it('says kindly that the password does not match', async () => {
    await using visit = await browser.visit(shop.url);
    await visit.page.goto('/sign-in');
    await visit.page.getByLabel('E-mail').fill('ada@example.com');
    await visit.page.getByLabel('Password').fill('wrong password');
    await visit.page.getByRole('button', { name: 'Sign in' }).click();
    await visit.page.getByText('E-mail and password do not match.').waitFor();
  });
});

describe('a phone', () => {
  it('shows every page without scrolling sideways', async () => {
    await using visit = await browser.visit(shop.url, { viewport: phone });
    const addresses = ['/', '/products', '/collections', '/products/teddy-bear', '/cart'];
    for (const address of [...addresses, '/checkout', '/orders', '/sign-up', '/nothing']) {
      await visit.page.goto(address);
      const overflow = await visit.page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      expect([address, overflow]).toEqual([address, 0]);
    }
  });
});

describe('a keyboard', () => {
  it('skips to the content first, then walks through the header', async () => {
    await using visit = await browser.visit(shop.url);
    const { page } = visit;
    await page.goto('/products');
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Skip to content');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    const isInside = await page.evaluate(
      () => document.querySelector('main')?.contains(document.activeElement) === true,
    );
    expect(isInside).toBe(true);
  });
});
