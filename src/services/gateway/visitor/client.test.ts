import type { IncomingMessage } from 'node:http';
import { describe, expect, test } from 'vitest';
import { fakeService, fakeShop, sessionCookie } from '../../../../test/gateway/fake-shop.ts';
import { readOwnHosts } from '../../../kit/http/own-hosts.ts';
import { readTrustedProxies } from '../../../kit/http/trusted-proxies.ts';
import { Clients } from './client.ts';
import { openClientLimits } from './client-limits.ts';

const proxies = '127.0.0.1, 10.0.0.0/8, 2001:db8:aa::/48';
const trusts = readTrustedProxies(proxies);

function clientOf(remoteAddress: string, headers: IncomingMessage['headers']) {
  const request = { headers: { host: 'inside:8080', ...headers }, socket: { remoteAddress } };
  return new Clients(trusts, 'http').of(request as unknown as IncomingMessage);
}

describe('the client', () => {
  test('is the connected address, whatever headers say, unless it is a trusted proxy', () => {
    const forged = {
      'x-forwarded-for': '192.0.2.1',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'evil.example',
      forwarded: 'for=192.0.2.1;proto=https',
    };
    expect(clientOf('203.0.113.9', forged)).toEqual({
      address: '203.0.113.9',
      network: '203.0.113.9',
      scheme: 'http',
      host: 'inside:8080',
    });
  });

  test.each([
    ['one proxy', '10.0.0.1', '192.0.2.1', '192.0.2.1'],
    ['a proxy that is reached over IPv6 sockets', '::ffff:10.0.0.1', '192.0.2.1', '192.0.2.1'],
    ['a chain', '10.0.0.1', '192.0.2.1, 10.9.9.9, 2001:db8:aa::7', '192.0.2.1'],
    ['what the client wrote before', '10.0.0.1', '198.51.100.66, 192.0.2.1', '192.0.2.1'],
    ['a proxy that the client invents', '10.0.0.1', '10.0.0.2, 192.0.2.1', '192.0.2.1'],
    ['an address with a port', '10.0.0.1', '192.0.2.1:4711', '192.0.2.1'],
    ['IPv6 with a port', '10.0.0.1', '[2001:db8::1]:4711', '2001:db8::1'],
    ['a visitor from inside', '10.0.0.1', '10.0.0.7', '10.0.0.7'],
    ['what is no address', '10.0.0.1', '192.0.2.1, nonsense', '10.0.0.1'],
    ['nothing', '10.0.0.1', '', '10.0.0.1'],
  ])('behind %s', (_what, peer, list, address) => {
    expect(clientOf(peer, { 'x-forwarded-for': list }).address).toBe(address);
  });

  test('has the scheme and the host by which it reached the outermost trusted proxy', () => {
    const each = clientOf('10.0.0.1', {
      'x-forwarded-for': '198.51.100.66, 192.0.2.1, 10.0.0.2',
      'x-forwarded-proto': 'http, https, http',
      'x-forwarded-host': 'evil.example, shop.example, inside',
    });
    expect(each).toMatchObject({ scheme: 'https', host: 'shop.example' });
    const one = { 'x-forwarded-for': '192.0.2.1', 'x-forwarded-proto': 'https' };
    expect(clientOf('10.0.0.1', one)).toMatchObject({ scheme: 'https', host: 'inside:8080' });
  });

  test('is read from Forwarded too', () => {
    const forwarded =
      'for=198.51.100.66, for="[2001:db8:1:2::1]:4711";proto=https;host=shop.example, for=10.0.0.2';
    expect(clientOf('10.0.0.1', { forwarded })).toEqual({
      address: '2001:db8:1:2::1',
      network: '2001:db8:1:2::/64',
      scheme: 'https',
      host: 'shop.example',
    });
    expect(clientOf('10.0.0.1', { forwarded: 'for=_hidden, for=unknown' }).address).toBe(
      '10.0.0.1',
    );
  });

  test('is refused where two headers name different clients, or one cannot be read', () => {
    const two = { 'x-forwarded-for': '192.0.2.1', forwarded: 'for=198.51.100.66' };
    expect(() => clientOf('10.0.0.1', two)).toThrow('cannot be read');
    expect(() => clientOf('10.0.0.1', { forwarded: 'for="' })).toThrow('cannot be read');
    const same = { 'x-forwarded-for': '192.0.2.1', forwarded: 'for=192.0.2.1' };
    expect(clientOf('10.0.0.1', same).address).toBe('192.0.2.1');
  });
});

test.each(['10.0.0.0/33', '10.0.0', 'proxy.example', '10.0.0.0/', '::1/129', '10.0.0.1/8/8'])(
  'a list with "%s" stops the start with a sentence',
  (text) => {
    expect(() => readTrustedProxies(`::1, ${text}`)).toThrow('must be addresses or ranges');
  },
);

test('an untrusted proxy is reported once, since all its clients are counted as one', () => {
  const doubted: string[] = [];
  const clients = new Clients(trusts, 'http', (address) => doubted.push(address));
  const ask = (remoteAddress: string, headers: Record<string, string>) =>
    clients.of({ headers, socket: { remoteAddress } } as unknown as IncomingMessage);
  const forwarded = { 'x-forwarded-for': '192.0.2.1' };
  ask('172.16.0.1', forwarded);
  ask('172.16.0.1', forwarded);
  ask('172.16.0.2', {});
  ask('10.0.0.1', forwarded); // trusted
  ask('8.8.8.8', forwarded); // anybody may write that
  expect(doubted).toEqual(['172.16.0.1']);
});

describe('behind a trusted proxy', () => {
  const parts = { clients: new Clients(trusts, 'http'), hstsSeconds: 60 };

  test('each client has limits of its own, and an IPv6 line counts as one', async () => {
    await using shop = await fakeShop([], { ...parts, limits: openClientLimits() });
    const isRefused = async (from: string) => {
      const headers = { 'x-forwarded-for': from };
      return (await fetch(`${shop.url}/api/sessions`, { method: 'POST', headers })).status === 429;
    };
    const refused = [];
    for (let i = 0; i < 31; i += 1) refused.push(await isRefused(`2001:db8:1:2::${i}`));
    expect(refused.indexOf(true)).toBe(30);
    expect(await isRefused('2001:db8:1:2:ffff::1')).toBe(true);
    expect(await isRefused('2001:db8:1:3::1')).toBe(false);
    expect(await isRefused('192.0.2.1')).toBe(false);
  });

  test('services get the client’s address; cookies and HSTS follow its scheme', async () => {
    await using customers = await fakeService('customers', ({ headers }, response) => {
      response.end(JSON.stringify(headers));
    });
    await using shop = await fakeShop([customers], parts);
    const ask = (proto: string) =>
      fetch(`${shop.url}/api/customers/me`, {
        headers: { 'x-forwarded-for': '192.0.2.1', 'x-forwarded-proto': proto },
      });
    const secure = await ask('https');
    expect(secure.headers.get('strict-transport-security')).toBe('max-age=60');
    expect(await secure.json()).toMatchObject({
      'x-forwarded-for': '192.0.2.1',
      'x-forwarded-proto': 'https',
    });
    const plain = await ask('http');
    expect(plain.headers.get('strict-transport-security')).toBeNull();
    expect((await plain.json())['x-forwarded-proto']).toBe('http');
  });

  test('a page of the name that the client sees may write, another may not', async () => {
    await using customers = await fakeService('customers', (_request, response) => {
      response.end('{}');
    });
    await using shop = await fakeShop([customers], parts);
    const write = async (origin: string) => {
      const headers = {
        origin,
        cookie: await sessionCookie(),
        'x-forwarded-for': '192.0.2.1',
        'x-forwarded-host': 'shop.example',
      };
      return (await fetch(`${shop.url}/api/sessions`, { method: 'POST', headers })).status;
    };
    expect(await write('https://shop.example')).toBe(200);
    expect(await write(shop.url)).toBe(403);
  });
});

test('a shop with DOORBUSTER_HOSTS answers under no other name (DNS rebinding)', async () => {
  const hosts = readOwnHosts('shop.example');
  const clients = new Clients(trusts, 'http');
  await using shop = await fakeShop([], { hosts, clients });
  const ask = async (host: string) => {
    const headers = { 'x-forwarded-for': '192.0.2.1', 'x-forwarded-host': host };
    return (await fetch(`${shop.url}/healthz`, { headers })).status;
  };
  expect(await ask('shop.example')).toBe(200);
  expect(await ask('evil.example')).toBe(421);
  expect((await fetch(`${shop.url}/healthz`)).status).toBe(200); // by its address
});
