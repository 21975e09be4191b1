import { expect, test } from 'vitest';
import { sharedAddress } from './shared-address.ts';

test.each([
  ['/products/bear', '/products/bear'],
  ['/products/bear?fbclid=IwAR0', '/products/bear'],
  ['/products/bear?', '/products/bear'],
  ['/?utm_source=mail&utm_campaign=drop', '/'],
  ['/products/bear?gclid=1&variant=BEAR-M&utm_id=2', '/products/bear?variant=BEAR-M'],
  ['/search?sort=price&q=teddy', '/search?q=teddy&sort=price'],
  ['/search?q=teddy&sort=price', '/search?q=teddy&sort=price'],
  ['/search?q=a&fbclid=1&q=b', '/search?q=a&q=b'],
  ['/search?%71=teddy', '/search?%71=teddy'],
  ['/search?q=a%26b+c', '/search?q=a%26b+c'],
  ['/search?%=1&%zz=2', '/search'],
  ['/media/bear.svg?v=abc&w=1', '/media/bear.svg?v=abc'],
  ['/api/products?x=1&limit=3&search=a', '/api/products?limit=3&search=a'],
  ['/api/products/bear?limit=3', '/api/products/bear'],
  ['/api/orders/1?token=secret&x=1', '/api/orders/1?token=secret'],
  ['/api/not-in-the-contract?x=1', '/api/not-in-the-contract?x=1'],
])('%s is kept as %s', (url, kept) => {
  expect(sharedAddress(url)).toBe(kept);
});
