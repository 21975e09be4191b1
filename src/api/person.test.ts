import { Compile } from 'typebox/compile';
import { expect, test } from 'vitest';
import { PurchaseRequest } from './order.ts';

const check = Compile(PurchaseRequest);
const address = {
  ...{ name: 'Ada', line1: '12 St James Square', city: 'London' },
  ...{ postalCode: 'SW1Y 4JH', country: 'GB' },
};

/** Where a purchase with these changes is wrong, and how. */
function problems(
  changes: Partial<Record<keyof typeof address | 'line2', string>>,
  email = 'a@b.c',
) {
  const lines = [{ sku: 'BEAR', quantity: 1 }];
  const payment = { method: 'test', token: 'tok_ok' };
  const shippingAddress = { ...address, ...changes };
  return check
    .Errors({ lines, payment, email, shippingAddress })
    .map(({ instancePath, message }) => [instancePath, message]);
}

test('a purchase is sent to a person, a place and a country that there are', () => {
  expect(problems({})).toEqual([]);
  for (const country of ['US', 'XK', 'TW', 'AX']) expect(problems({ country })).toEqual([]);
  expect(problems({ line2: '' })).toEqual([]);
});

test('each wrong text is named, with what is wrong about it', () => {
  const countryProblem = 'must be a country’s code of two letters, such as GB';
  for (const country of ['ZZ', 'AA', 'UK', 'gb']) {
    expect(problems({ country })).toEqual([['/shippingAddress/country', countryProblem]]);
  }
  for (const field of ['name', 'line1', 'city', 'postalCode'] as const) {
    expect(problems({ [field]: ' \u200b ' })).toEqual([
      [`/shippingAddress/${field}`, 'must not be blank'],
    ]);
  }
  expect(problems({ line2: 'a\nb' })).toEqual([
    ['/shippingAddress/line2', 'must be one line without control characters'],
  ]);
  expect(problems({}, 'ada@example,com')).toEqual([
    ['/email', 'must be an e-mail address, such as ada@example.com'],
  ]);
});
