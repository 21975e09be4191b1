import type { IncomingMessage } from 'node:http';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PurchaseRequest } from '../../../api/order.ts';
import type { Principal } from '../../../kit/http/principal.ts';
import { Problem } from '../../../kit/http/problem.ts';
import {
  checkoutRequestText,
  idempotencyKey,
  readPurchase,
  requestHash,
  requireJson,
  waitMs,
} from './purchase-request.ts';

const wanted = {
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
};
const ada: Principal = { customerId: 'c-1', email: 'ada@example.com', role: 'customer' };

const bytes = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const withHeaders = (headers: Record<string, string>) =>
  ({ headers }) as unknown as IncomingMessage;

function refusal(read: () => unknown): Problem['body'] {
  try {
    read();
  } catch (error) {
    if (error instanceof Problem) return error.body;
    throw error;
  }
  throw new Error('nothing was refused');
}
const refusalOf = (value: unknown) => refusal(() => readPurchase(bytes(value), 'key', null));

describe('the Idempotency-Key', () => {
  it('is any 1 to 255 visible ASCII characters', () => {
    for (const key of ['x', '!~', 'a'.repeat(255)]) {
      expect(idempotencyKey(withHeaders({ 'idempotency-key': key }))).toBe(key);
    }
  });

  it('is required: missing, empty, too long or not visible is 400', () => {
    for (const key of [undefined, '', ' ', 'a b', 'é', 'a'.repeat(256)]) {
      const headers = key === undefined ? {} : { 'idempotency-key': key };
      expect(refusal(() => idempotencyKey(withHeaders(headers))).status).toBe(400);
    }
  });

  it('belongs to the request: the same with and without a session is one order', () => {
    const keyOf = (body: object, principal: Principal | null) =>
      readPurchase(bytes(body), 'k', principal);
    const { email: _email, ...anonymous } = wanted;
    const [guest, signedIn, unnamed] = [
      keyOf(wanted, null),
      keyOf(wanted, ada),
      keyOf(anonymous, ada),
    ];
    for (const each of [signedIn, unnamed]) {
      expect([each.key, requestHash(each)]).toEqual([guest.key, requestHash(guest)]);
    }
  });

  it('finds nothing under another e-mail address', () => {
    const keyOf = (email: string, rawKey = 'k') =>
      readPurchase(bytes({ ...wanted, email }), rawKey, null).key;
    expect(keyOf('eve@example.com')).not.toBe(keyOf('ada@example.com'));
    expect(keyOf('ada@example.com', 'K')).not.toBe(keyOf('ada@example.com'));
    expect(keyOf('Ada@EXAMPLE.com')).toBe(keyOf('ada@example.com'));
  });
});

describe('how long the answer is held', () => {
  it.each([
    [undefined, 5_000],
    ['wait=10', 10_000],
    ['wait=0', 0],
    ['wait = 7', 7_000],
    ['handling=lenient, wait=3', 3_000],
    ['wait=31', 30_000],
    ['wait=999999', 30_000],
    ['respond-async', 0],
    ['return=minimal', 5_000],
    ['wait=soon', 5_000],
  ])('Prefer: %s is %i ms', (prefer, milliseconds) => {
    expect(waitMs(withHeaders(prefer === undefined ? {} : { prefer }))).toBe(milliseconds);
  });
});

describe('a purchase', () => {
  it('is read as it was asked for, and stored with nothing else', () => {
    const purchase = readPurchase(bytes(wanted), 'key', null);
    expect(purchase).toMatchObject({ request: { email: 'ada@example.com' }, customer: null });
    expect(JSON.parse(checkoutRequestText(purchase, wanted.lines))).toEqual({
      lines: wanted.lines,
      email: wanted.email,
      shippingAddress: wanted.shippingAddress,
      payment: wanted.payment,
    });
  });

  it('keeps the parts of an address that need not be there', () => {
    const shippingAddress = {
      ...wanted.shippingAddress,
      line2: 'Flat 2',
      region: 'Greater London',
    };
    const purchase = readPurchase(bytes({ ...wanted, shippingAddress }), 'key', null);
    expect(JSON.parse(checkoutRequestText(purchase, []))).toMatchObject({
      lines: [],
      shippingAddress,
    });
  });

  it('has the e-mail address of whoever is signed in, unless another is given', () => {
    const { email: _email, ...anonymous } = wanted;
    expect(readPurchase(bytes(anonymous), 'key', ada)).toMatchObject({
      request: { email: ada.email },
      customer: 'c-1',
    });
    const gift = { ...wanted, email: 'grace@example.com' };
    expect(readPurchase(bytes(gift), 'key', ada).request.email).toBe('grace@example.com');
    expect(refusalOf(anonymous)).toMatchObject({ status: 422, errors: [{ path: 'email' }] });
  });

  it('is 400 where it is not JSON, and 422 where it is not a purchase', () => {
    const notJson = refusal(() => readPurchase(Buffer.from('{"lines":'), 'key', null));
    expect(notJson.status).toBe(400);
    const { lines, ...withoutLines } = wanted;
    const wrong: [unknown, string][] = [
      [[], 'body'],
      [withoutLines, 'lines'],
      [{ ...wanted, cartId: 'cart-1' }, 'lines'],
      [{ ...wanted, lines: [] }, 'lines'],
      [{ ...wanted, lines: [{ sku: 'BEAR-S', quantity: 0 }] }, 'lines.0.quantity'],
      [{ ...wanted, lines: [{ sku: 'BEAR-S', quantity: 1.5 }] }, 'lines.0.quantity'],
      [{ ...wanted, lines: [{ sku: '', quantity: 1 }] }, 'lines.0.sku'],
      [{ ...wanted, email: 'nobody' }, 'email'],
      [{ ...wanted, shippingAddress: { ...wanted.shippingAddress, country: 'gb' } }, 'country'],
    ];
    for (const [value, path] of wrong) {
      const { status, errors } = refusalOf(value);
      expect(status).toBe(422);
      expect(errors?.map((each) => each.path).join(' ')).toContain(path);
    }
  });

  const addressed = (parts: object) => {
    const { postalCode: _postalCode, ...address } = wanted.shippingAddress;
    return { ...wanted, shippingAddress: { ...address, ...parts } };
  };

  it('may lack a postal code where the country has none, and only there', () => {
    const toHongKong = addressed({ city: 'Hong Kong', country: 'HK' });
    expect(readPurchase(bytes(toHongKong), 'key', null).request.shippingAddress.city).toBe(
      'Hong Kong',
    );
    const missing = [{ path: 'shippingAddress.postalCode' }];
    expect(refusalOf(addressed({ country: 'GB' }))).toMatchObject({ status: 422, errors: missing });
  });

  it.each([
    [
      { name: '   ', line1: ' ', city: ' ', postalCode: ' ' },
      ['name', 'line1', 'city', 'postalCode'],
    ],
    [{ name: 'Ada\nCash on delivery: 0', postalCode: '-' }, ['name']],
    [{ name: 'Ada\u0007', postalCode: '-' }, ['name']],
    [{ name: '\u202eadA', postalCode: '-' }, ['name']],
    [{ country: 'ZZ', postalCode: '-' }, ['country']],
  ])('is refused for the address %j by name', (parts, fields) => {
    const paths = refusalOf(addressed(parts)).errors?.map(({ path }) => path);
    expect(new Set(paths)).toEqual(new Set(fields.map((field) => `shippingAddress.${field}`)));
  });

  it('names the field with a character that no text can have', () => {
    const unreadable: [unknown, string][] = [
      [{ ...wanted, email: 'a\0b@example.com' }, 'email'],
      [{ ...wanted, lines: [wanted.lines[0], { sku: 'x\ud800', quantity: 1 }] }, 'lines.1.sku'],
      [{ ...wanted, payment: { method: 'test', token: '\udc00' } }, 'payment.token'],
    ];
    for (const [value, path] of unreadable) {
      expect(refusalOf(value)).toMatchObject({ status: 422, errors: [{ path }] });
    }
  });

  it('may hold every other character, written as it is or as an escape', () => {
    const name = 'Zoë \\u0000 🧸 "x"';
    const value = { ...wanted, shippingAddress: { ...wanted.shippingAddress, name } };
    const escaped = JSON.stringify(value).replace('🧸', '\\ud83e\\uddf8');
    const { request } = readPurchase(Buffer.from(escaped), 'key', null);
    expect(request.shippingAddress.name).toBe(name);
  });
});

describe('the fingerprint of a request', () => {
  const hashOf = (value: unknown): string => requestHash(readPurchase(bytes(value), 'key', null));

  it('does not depend on the order of properties', () => {
    const shuffled = fc.shuffledSubarray(Object.entries(wanted), { minLength: 4 });
    const address = fc.shuffledSubarray(Object.entries(wanted.shippingAddress), { minLength: 5 });
    const property = fc.property(shuffled, address, (entries, parts) => {
      const value = Object.fromEntries(entries);
      expect(hashOf({ ...value, shippingAddress: Object.fromEntries(parts) })).toBe(hashOf(wanted));
    });
    fc.assert(property);
  });

  it('is the one that earlier versions made of the same request', () => {
    expect(hashOf(wanted)).toBe('93bab677-b8ea-1312-c8a8-462f8f2a7433');
  });

  /** Every property that the contract has, objects within objects included, by its path. */
  function pathsOf(schema: object): string[] {
    const { properties = {} } = schema as { properties?: Record<string, object> };
    return Object.entries(properties).flatMap(([name, part]) => {
      const within = pathsOf(part);
      return within.length === 0 ? [name] : within.map((each) => `${name}.${each}`);
    });
  }

  it('and what is stored hold every property of the contract', () => {
    const full = {
      ...wanted,
      shippingAddress: { ...wanted.shippingAddress, line2: 'Flat 2', region: 'London' },
      expectedTotal: { amount: 2_598, currency: 'USD' },
    };
    const stored = JSON.parse(readPurchase(bytes(full), 'key', null).text);
    const held = (path: string) =>
      path.split('.').reduce<unknown>((part, name) => (part as never)?.[name], stored);
    const missing = pathsOf(PurchaseRequest).filter((path) => held(path) === undefined);
    expect(missing).toEqual(['cartId']); // instead of lines
  });

  it('differs by what is bought, by whom, where to and how it is paid', () => {
    const { lines, ...rest } = wanted;
    const address = wanted.shippingAddress;
    const variants = [
      wanted,
      { ...wanted, lines: [{ sku: 'BEAR-S', quantity: 3 }] },
      { ...wanted, lines: [{ sku: 'BEAR-M', quantity: 2 }] },
      { ...wanted, lines: [...lines, ...lines] },
      { ...rest, cartId: 'cart-1' },
      { ...wanted, email: 'grace@example.com' },
      { ...wanted, shippingAddress: { ...address, city: 'Paris' } },
      { ...wanted, shippingAddress: { ...address, line2: 'Paris' } },
      { ...wanted, shippingAddress: { ...address, region: 'Paris' } },
      { ...wanted, payment: { method: 'test', token: 'tok_slow' } },
      { ...wanted, payment: { method: 'card', token: 'tok_ok' } },
    ];
    expect(new Set(variants.map(hashOf)).size).toBe(variants.length);
  });
});

it.each(['application/jsonx', 'text/plain', 'application/json5; a=b'])(
  'a body that is called %s is 415, not read as JSON',
  (type) => {
    const asked = withHeaders({ 'content-type': type });
    expect(refusal(() => requireJson(asked)).status).toBe(415);
    expect(() => requireJson(withHeaders({ 'content-type': 'application/json' }))).not.toThrow();
  },
);
