import { expect, test } from 'vitest';
import { hostName, readOwnHosts } from './own-hosts.ts';

test.each([
  ['shop.example', 'shop.example'],
  ['Shop.Example.:8080', 'shop.example'],
  ['[::1]:8080', '::1'],
  ['127.0.0.1', '127.0.0.1'],
  ['', null],
  ['a b', null],
  ['a/b', null],
  ['user@shop.example', null],
  ['shop.example:80:80', null],
])('the host "%s" is called %s', (host, name) => {
  expect(hostName(host)).toBe(name);
});

test('without a list every name is answered, and none but local ones is redirected to', () => {
  const hosts = readOwnHosts();
  expect(hosts.accepts('evil.example')).toBe(true);
  expect(hosts.knows('evil.example')).toBe(false);
  for (const local of ['localhost', 'doorbuster.localhost', '127.0.0.1', '192.0.2.7', '::1']) {
    expect(hosts.knows(local)).toBe(true);
  }
});

test('with a list other names are refused', () => {
  const hosts = readOwnHosts('shop.example, WWW.shop.example');
  expect(['shop.example', 'www.shop.example', '10.0.0.1'].every(hosts.accepts)).toBe(true);
  expect(['evil.example', 'x.shop.example', ''].some(hosts.accepts)).toBe(false);
});

test.each(['https://shop.example', 'shop.example:8080', 'a b', '*.shop.example'])(
  'a list with "%s" stops the start with a sentence',
  (name) => {
    expect(() => readOwnHosts(`shop.example,${name}`)).toThrow('must be names');
  },
);
