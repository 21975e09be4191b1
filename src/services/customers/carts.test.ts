import { randomUUID } from 'node:crypto';
import { Value } from 'typebox/value';
import { describe, expect, test } from 'vitest';
import {
  CustomersFixture,
  customersPerTest,
  offerOf,
} from '../../../test/customers/customers-fixture.ts';
import { Cart } from '../../api/cart.ts';
import type { Database, Sql } from '../../kit/database/postgres.ts';
import type { Principal } from '../../kit/http/principal.ts';
import { cartLinesMax, lineQuantityMax, snapshotOf } from '../../shop/cart.ts';
import { putLines, type StoredCart } from './cart-store.ts';

let database: Database;
let shop: CustomersFixture;

customersPerTest((given) => {
  shop = given;
  database = given.database;
  shop.sell(offerOf('BEAR'), offerOf('DUCK', { price: { amount: 500, currency: 'USD' } }));
});

async function newCart(as: Principal | null = null): Promise<string> {
  const answer = await shop.ask({ method: 'POST', url: '/api/carts', as });
  expect(answer.statusCode).toBe(201);
  return (answer.json() as Cart).id;
}

function put(id: string, sku: string, quantity: unknown, as: Principal | null = null) {
  const url = `/api/carts/${id}/lines/${encodeURIComponent(sku)}`;
  return shop.ask({ method: 'PUT', url, body: { quantity }, as });
}

async function read(id: string, as: Principal | null = null): Promise<Cart> {
  const answer = await shop.ask({ method: 'GET', url: `/api/carts/${id}`, as });
  expect(answer.statusCode).toBe(200);
  return answer.json();
}

async function signUp(email: string): Promise<Principal> {
  const body = { email, password: 'long enough', name: 'Ada' };
  const answer = await shop.ask({ method: 'POST', url: '/api/customers', body });
  expect(answer.statusCode).toBe(201);
  return { customerId: answer.json().id, email, role: 'customer' };
}

const quantities = (cart: Cart) => cart.lines.map(({ sku, quantity }) => [sku, quantity]);

async function rows(): Promise<number> {
  const [row] = await database.query<{ n: number }>('select count(*)::integer as n from carts');
  return row?.n ?? -1;
}

describe("a guest's cart", () => {
  test('begins empty, with a subtotal, and costs no row', async () => {
    const answer = await shop.ask({ method: 'POST', url: '/api/carts' });
    const cart: Cart = answer.json();
    expect(cart).toEqual({ id: cart.id, lines: [], subtotal: { amount: 0, currency: 'USD' } });
    expect(answer.headers['location']).toBe(`/api/carts/${cart.id}`);
    expect(await read(cart.id)).toEqual(cart);
    expect(await rows()).toBe(0);
  });

  test('holds what is put there, priced, in order of arrival', async () => {
    const id = await newCart();
    await put(id, 'DUCK', 2);
    shop.now += 5;
    const cart: Cart = (await put(id, 'BEAR', 1)).json();
    expect(Value.Errors(Cart, cart)).toEqual([]);
    expect(quantities(cart)).toEqual([
      ['DUCK', 2],
      ['BEAR', 1],
    ]);
    expect(cart.subtotal).toEqual({ amount: 2_299, currency: 'USD' });
    expect(cart.lines[0]).toMatchObject({ available: 100, priceChanged: false, stale: false });
    expect(await read(id)).toEqual(cart);
  });

  test('keeps the place of a line whose quantity changes, and loses it at 0', async () => {
    const id = await newCart();
    await put(id, 'DUCK', 2);
    shop.now += 5;
    await put(id, 'BEAR', 1);
    shop.now += 5;
    expect(quantities((await put(id, 'DUCK', 7)).json())).toEqual([
      ['DUCK', 7],
      ['BEAR', 1],
    ]);
    expect(quantities((await put(id, 'DUCK', 0)).json())).toEqual([['BEAR', 1]]);
    expect((await put(id, 'DUCK', 0)).statusCode).toBe(200);
  });
});

describe("a guest's cart has limits", () => {
  test('refuses a SKU that is not sold, and names it', async () => {
    const id = await newCart();
    const answer = await put(id, 'NO/SUCH toy', 1);
    expect(answer.statusCode).toBe(422);
    expect(answer.headers['content-type']).toMatch('application/problem+json');
    expect(answer.json()).toMatchObject({ status: 422, sku: 'NO/SUCH toy' });
    expect((await read(id)).lines).toEqual([]);
  });

  test('refuses quantities beyond the limits', async () => {
    const id = await newCart();
    for (const quantity of [-1, 1.5, lineQuantityMax + 1, '2', null, false, [1], {}]) {
      const answer = await put(id, 'BEAR', quantity);
      expect([quantity, answer.statusCode]).toEqual([quantity, 422]);
      expect(answer.json().errors[0].path).toBe('body/quantity');
    }
    expect((await put(id, 'BEAR', lineQuantityMax)).statusCode).toBe(200);
  });

  test('is full at its limit: another SKU is refused, a known one may change', async () => {
    const id = await newCart();
    const skus = Array.from({ length: cartLinesMax + 1 }, (_each, index) => `SKU-${index}`);
    shop.sell(...skus.map((sku) => offerOf(sku)));
    for (const sku of skus.slice(0, cartLinesMax)) await put(id, sku, 1);
    const refused = await put(id, `SKU-${cartLinesMax}`, 1);
    expect([refused.statusCode, refused.json().title]).toEqual([422, 'The cart is full']);
    const changed: Cart = (await put(id, 'SKU-0', 5)).json();
    expect(changed.lines).toHaveLength(cartLinesMax);
    expect(changed.lines.find(({ sku }) => sku === 'SKU-0')?.quantity).toBe(5);
  });

  test('cannot be guessed: other ids are unknown, and never reach the database', async () => {
    const id = await newCart();
    const forged = id.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'));
    for (const each of [forged, 'x', '%00', '0'.repeat(32), `${id}A`]) {
      const answer = await shop.ask({ method: 'GET', url: `/api/carts/${each}` });
      expect([each, answer.statusCode]).toEqual([each, 404]);
    }
    expect((await put(forged, 'BEAR', 1)).statusCode).toBe(404);
  });

  test('keeps a SKU with the name of an object’s innards apart from them', async () => {
    shop.sell(offerOf('__proto__'), offerOf('constructor'));
    const id = await newCart();
    await put(id, '__proto__', 2);
    shop.now += 5;
    const cart: Cart = (await put(id, 'constructor', 3)).json();
    expect(quantities(cart)).toEqual([
      ['__proto__', 2],
      ['constructor', 3],
    ]);
  });

  test('loses nothing to edits at the same time', async () => {
    const id = await newCart();
    const skus = Array.from({ length: 20 }, (_each, index) => `SKU-${index}`);
    shop.sell(...skus.map((sku) => offerOf(sku)));
    await Promise.all(skus.map((sku) => put(id, sku, 1)));
    expect((await read(id)).lines.map(({ sku }) => sku).sort()).toEqual(skus.sort());
  });
});

describe('prices', () => {
  test('are those of now; a change is shown until the line is put again', async () => {
    const id = await newCart();
    await put(id, 'BEAR', 2);
    shop.sell(offerOf('BEAR', { price: { amount: 999, currency: 'USD' }, available: 3 }));
    shop.now += 2_000;
    const cart = await read(id);
    expect(cart.lines[0]).toMatchObject({ available: 3, priceChanged: true });
    expect(cart.subtotal.amount).toBe(1_998);
    expect((await put(id, 'BEAR', 2)).json().lines[0].priceChanged).toBe(false);
    expect((await read(id)).lines[0]?.priceChanged).toBe(false);
  });

  test('are asked for at most once a second for a SKU', async () => {
    const id = await newCart();
    await put(id, 'BEAR', 1);
    for (let n = 0; n < 5; n += 1) await read(id);
    expect(shop.asked).toEqual([['BEAR']]);
    shop.now += 1_001;
    await Promise.all([read(id), read(id), read(id)]);
    expect(shop.asked).toEqual([['BEAR'], ['BEAR']]);
  });

  test('of a deleted product stay visible, with nothing available', async () => {
    const id = await newCart();
    await put(id, 'BEAR', 1);
    shop.catalog.delete('BEAR');
    shop.now += 2_000;
    expect((await read(id)).lines[0]).toMatchObject({ title: 'Toy BEAR', available: 0 });
    expect((await put(id, 'BEAR', 0)).json().lines).toEqual([]);
  });
});

describe('while the catalog is down', () => {
  test('the cart shows the last known price and title, as stale', async () => {
    const id = await newCart();
    await put(id, 'BEAR', 2);
    shop.catalogIsUp = false;
    shop.now += 60_000;
    const cart = await read(id);
    expect(cart.lines[0]).toMatchObject({ title: 'Toy BEAR', stale: true });
    expect(cart.subtotal.amount).toBe(2_598);
  });

  test('lines can change and go; a product never seen must wait', async () => {
    const id = await newCart();
    await put(id, 'BEAR', 2);
    shop.catalogIsUp = false;
    shop.now += 60_000;
    const restarted = new CustomersFixture(database); // it remembers no offers
    restarted.catalogIsUp = false;
    const lines = `/api/carts/${id}/lines`;
    const ask = (sku: string, quantity: number) =>
      restarted.ask({ method: 'PUT', url: `${lines}/${sku}`, body: { quantity } });
    const changed = (await ask('BEAR', 3)).json();
    expect(changed.lines[0]).toMatchObject({ quantity: 3, available: null, stale: true });
    const refused = await ask('DUCK', 1);
    expect([refused.statusCode, refused.headers['retry-after']]).toEqual([503, '1']);
    expect((await ask('BEAR', 0)).json().lines).toEqual([]);
    await restarted.close();
  });
});

describe("a customer's cart", () => {
  test('is theirs alone', async () => {
    const ada = await signUp('ada@example.com');
    const bob = await signUp('bob@example.com');
    const id = await newCart(ada);
    expect((await put(id, 'BEAR', 1, ada)).statusCode).toBe(200);
    expect(quantities(await read(id, ada))).toEqual([['BEAR', 1]]);
    for (const other of [null, bob]) {
      const seen = await shop.ask({ method: 'GET', url: `/api/carts/${id}`, as: other });
      expect(seen.statusCode).toBe(404);
      expect((await put(id, 'DUCK', 1, other)).statusCode).toBe(404);
      expect((await put(id, 'BEAR', 0, other)).statusCode).toBe(404);
    }
    expect(quantities(await read(id, ada))).toEqual([['BEAR', 1]]);
  });

  test('is found again without its id', async () => {
    const ada = await signUp('ada@example.com');
    const mine = () => shop.ask({ method: 'GET', url: '/api/carts/mine', as: ada });
    expect((await mine()).statusCode).toBe(404);
    const id = await newCart(ada);
    await put(id, 'BEAR', 1, ada);
    expect((await mine()).json()).toEqual(await read(id, ada));
    const asGuest = await shop.ask({ method: 'GET', url: '/api/carts/mine' });
    expect(asGuest.statusCode).toBe(401);
  });

  test('takes in the cart of the guest they were, once', async () => {
    const ada = await signUp('ada@example.com');
    const own = await newCart(ada);
    await put(own, 'BEAR', 1, ada);
    const guest = await newCart();
    shop.now += 5;
    await put(guest, 'BEAR', 2);
    await put(guest, 'DUCK', 4);
    const claim = () => shop.ask({ method: 'POST', url: `/api/carts/${guest}/claim`, as: ada });
    const claimed: Cart = (await claim()).json();
    expect(claimed.id).toBe(own);
    expect(quantities(claimed)).toEqual([
      ['BEAR', 3],
      ['DUCK', 4],
    ]);
    expect(quantities((await claim()).json())).toEqual(quantities(claimed));
    expect((await read(guest)).lines).toEqual([]);
  });

  test('is the guest’s cart where they had none, also when claimed twice at once', async () => {
    const ada = await signUp('ada@example.com');
    const guest = await newCart();
    await put(guest, 'BEAR', 2);
    const claim = () => shop.ask({ method: 'POST', url: `/api/carts/${guest}/claim`, as: ada });
    const answers = await Promise.all([claim(), claim()]);
    for (const each of answers) expect(quantities(each.json())).toEqual([['BEAR', 2]]);
    const unsigned = await shop.ask({ method: 'GET', url: `/api/carts/${guest}` });
    expect(unsigned.statusCode).toBe(404);
  });

  test('cannot be claimed by someone else', async () => {
    const ada = await signUp('ada@example.com');
    const bob = await signUp('bob@example.com');
    const id = await newCart(ada);
    await put(id, 'BEAR', 1, ada);
    const url = `/api/carts/${id}/claim`;
    const claimed: Cart = (await shop.ask({ method: 'POST', url, as: bob })).json();
    expect([claimed.lines, claimed.id === id]).toEqual([[], false]);
    expect(quantities(await read(id, ada))).toEqual([['BEAR', 1]]);
  });
});

describe('edits of one moment', () => {
  test('of different carts, new ones and known ones, each change their own', async () => {
    const ids = await Promise.all(Array.from({ length: 6 }, () => newCart()));
    for (const id of ids.slice(3)) await put(id, 'DUCK', 2);
    shop.now += 5;
    const carts = await Promise.all(
      ids.map(async (id, n) => (await put(id, 'BEAR', n + 1)).json()),
    );
    expect(carts.map(quantities)).toEqual([
      [['BEAR', 1]],
      [['BEAR', 2]],
      [['BEAR', 3]],
      ...[4, 5, 6].map((n) => [
        ['DUCK', 2],
        ['BEAR', n],
      ]),
    ]);
    expect(await Promise.all(ids.map((id) => read(id)))).toEqual(carts);
  });

  test('of different carts are one statement', async () => {
    const statements: string[] = [];
    const counting: Sql = {
      query: (text, values) => {
        statements.push(text);
        return database.query(text, values);
      },
    };
    const edits = Array.from({ length: 5 }, () => {
      const seen = snapshotOf(offerOf('BEAR'));
      return { key: randomUUID(), sku: 'BEAR', quantity: 1, seen, now: 1, customerId: null };
    });
    for (const round of ['new carts', 'known carts']) {
      statements.length = 0;
      const carts = await putLines(counting, edits);
      expect(carts.map((cart) => (cart as StoredCart).lines.length)).toEqual([1, 1, 1, 1, 1]);
      expect(statements, round).toHaveLength(1);
    }
  });

  test('of one cart all count, the last of a line wins', async () => {
    const id = await newCart();
    await Promise.all([put(id, 'BEAR', 1), put(id, 'DUCK', 2), put(id, 'BEAR', 3)]);
    expect(new Map(quantities(await read(id)) as [string, number][])).toEqual(
      new Map([
        ['BEAR', 3],
        ['DUCK', 2],
      ]),
    );
  });

  test('keep the place of a line that is changed again', async () => {
    const [id, other] = [await newCart(), await newCart()];
    await put(id, 'BEAR', 1);
    shop.now += 5;
    await put(id, 'DUCK', 1);
    shop.now += 5;
    await Promise.all([put(id, 'BEAR', 9), put(other, 'BEAR', 1)]);
    expect(quantities(await read(id))).toEqual([
      ['BEAR', 9],
      ['DUCK', 1],
    ]);
  });

  test("refuse a full cart and another's, and no other", async () => {
    const ada = await signUp('ada@example.com');
    const [full, foreign, fine] = [await newCart(), await newCart(ada), await newCart()];
    for (let n = 0; n < cartLinesMax; n += 1) {
      shop.sell(offerOf(`TOY-${n}`));
      await put(full, `TOY-${n}`, 1);
    }
    const answers = await Promise.all([full, foreign, fine].map((id) => put(id, 'BEAR', 1)));
    expect(answers.map((answer) => answer.statusCode)).toEqual([422, 404, 200]);
    expect((await read(foreign, ada)).lines).toEqual([]);
    expect((await read(full)).lines).toHaveLength(cartLinesMax);
    expect(quantities(await read(fine))).toEqual([['BEAR', 1]]);
  });
});
