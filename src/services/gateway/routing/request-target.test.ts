import fc from 'fast-check';
import { expect, test } from 'vitest';
import { normalisedTarget } from './request-target.ts';

test.each([
  ['/api/%6frders', '/api/orders'],
  ['/api/%6Frders?a=%6f', '/api/orders?a=%6f'],
  ['/api/carts/1/lines/A%2fB', '/api/carts/1/lines/A%2FB'],
  ['/api/carts/1/lines/100%25', '/api/carts/1/lines/100%25'],
  ['/api/%256frders', '/api/%256frders'],
  ['/products/%c3%a4', '/products/%C3%A4'],
  ['/', '/'],
])('%s is %s', (sent, target) => {
  expect(normalisedTarget(sent)).toBe(target);
});

test.each([
  '/%E0%A4%A', // not UTF-8
  '/%zz',
  '/a/../internal',
  '/a/%2e%2E/internal',
  '/a/..%2finternal',
  '/a%5cb',
  '/a//b',
  '/a%00',
  '/api/orders#x',
  'http://elsewhere/',
  '*',
  `/${'a'.repeat(5_000)}`,
])('%s is refused', (sent) => {
  expect(normalisedTarget(sent)).toBeNull();
});

test('a target is normalised once for all: what comes out goes in unchanged', () => {
  const escapes = fc.array(fc.stringMatching(/^(%[0-9A-Fa-f]{2}|[a-z/.?])$/), { maxLength: 12 });
  fc.assert(
    fc.property(escapes, (parts) => {
      const target = normalisedTarget(`/${parts.join('')}`);
      if (target !== null) expect(normalisedTarget(target)).toBe(target);
      else expect(normalisedTarget('/')).toBe('/');
    }),
  );
});
