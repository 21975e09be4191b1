import { expect, test } from 'vitest';
import { bestEncoding, hasSameState, isJson, prefersPage } from './negotiation.ts';

test.each([
  ['gzip, deflate, br, zstd', 'br'],
  ['gzip;q=0.5', 'gzip'],
  ['br;q=0, gzip', 'gzip'],
  ['GZIP, br;q=0.9', 'gzip'],
  ['br;q=0.0, gzip;q=0', null],
  ['', null],
  [undefined, null],
])('Accept-Encoding %o gets %s', (header, encoding) => {
  expect(bestEncoding(header)).toBe(encoding);
});

test.each([
  ['"v7"', true],
  ['W/"v7"', true],
  ['"v6", W/"v7"', true],
  ['*', true],
  ['"v6"', false],
  ['v7', false],
  [undefined, false],
])('If-None-Match %s against "v7" is %o', (header, matches) => {
  expect(hasSameState(header, '"v7"')).toBe(matches);
  expect(hasSameState(header, 'W/"v7"')).toBe(matches);
});

test.each([
  ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', true],
  ['text/html', true],
  ['application/json, text/html;q=0.5', false],
  ['*/*', false],
  [undefined, false],
])('Accept %s is a page: %o', (header, isPage) => {
  expect(prefersPage(header)).toBe(isPage);
});

test.each([
  ['application/json', true],
  ['Application/JSON; charset=utf-8', true],
  ['application/jsonx', false],
  ['application/json5', false],
  ['text/plain;application/json', false],
  ['', false],
])('Content-Type "%s" is JSON: %o', (header, json) => {
  expect(isJson(header)).toBe(json);
});
