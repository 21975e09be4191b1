import { expect, test } from 'vitest';
import { cacheabilityOf } from './cacheable.ts';

const keyed = { 'surrogate-key': 'product-7 listing', 'surrogate-version': '3 41' };
const surrogates = [
  { key: 'product-7', version: 3 },
  { key: 'listing', version: 41 },
];
const open = 'public, no-cache';

test.each([
  [
    'names its keys',
    200,
    { ...keyed, 'cache-control': open },
    { kind: 'keep', surrogates, keepMs: 0 },
  ],
  [
    'is not found by its keys',
    404,
    { ...keyed, 'cache-control': open },
    { kind: 'keep', surrogates, keepMs: 0 },
  ],
  [
    'never changes',
    200,
    { 'cache-control': 'public, max-age=9, immutable' },
    { kind: 'keep', surrogates: [], keepMs: 0 },
  ],
  [
    'is a file',
    200,
    { 'cache-control': 'public, max-age=86400' },
    { kind: 'keep', surrogates: [], keepMs: 60_000 },
  ],
  [
    'sets a cookie',
    200,
    { ...keyed, 'cache-control': open, 'set-cookie': ['a=b'] },
    { kind: 'own' },
  ],
  ['is private', 200, { ...keyed, 'cache-control': 'private' }, { kind: 'own' }],
  ['is not to be stored', 200, { ...keyed, 'cache-control': 'no-store, public' }, { kind: 'own' }],
  ['varies', 200, { ...keyed, 'cache-control': open, vary: 'cookie' }, { kind: 'own' }],
  ['does not say that it is public', 200, { ...keyed }, { kind: 'own' }],
  ['is public without keys', 200, { 'cache-control': open }, { kind: 'share' }],
  [
    'has more keys than versions',
    200,
    { ...keyed, 'surrogate-version': '3', 'cache-control': open },
    { kind: 'share' },
  ],
  [
    'has a version that is none',
    200,
    { ...keyed, 'surrogate-version': '3 x', 'cache-control': open },
    { kind: 'share' },
  ],
  ['failed', 503, { 'cache-control': open }, { kind: 'share' }],
  ['redirects for now', 302, { ...keyed, 'cache-control': open }, { kind: 'share' }],
])('a page that %s', (_name, status, headers, expected) => {
  expect(cacheabilityOf(status, headers, false)).toEqual(expected);
});

test('data without a word on caching is shared by those who ask at once, never kept', () => {
  expect(cacheabilityOf(404, {}, true)).toEqual({ kind: 'share' });
});
