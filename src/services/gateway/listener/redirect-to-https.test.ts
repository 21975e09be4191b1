import { describe, expect, it } from 'vitest';
import { readOwnHosts } from '../../../kit/http/own-hosts.ts';
import { createPublicServer, listen } from './public-listener.ts';
import { httpsAddress, redirectToHttps } from './redirect-to-https.ts';

const hosts = readOwnHosts('shop.example');

const address = (host: string | undefined, url: string, port = 8_443) =>
  httpsAddress({ headers: host === undefined ? {} : { host }, url }, port, hosts.knows);

describe('the way from HTTP to HTTPS', () => {
  it('leads to the same name, path and query', () => {
    expect(address('shop.example', '/products/bear?size=s')).toBe(
      'https://shop.example:8443/products/bear?size=s',
    );
    expect(address('localhost:8080', '/')).toBe('https://localhost:8443/');
    expect(address('[::1]:80', '/')).toBe('https://[::1]:8443/');
    expect(address('shop.example', '/', 443)).toBe('https://shop.example/');
  });

  it('leads nowhere for a host that is none, or an address that is no path', () => {
    for (const host of [
      undefined,
      '',
      'evil.example/@shop',
      'a b',
      'x\r\ny: z',
      'u@shop.example',
      'evil.example',
      'shop.example.evil.example',
    ]) {
      expect(address(host, '/')).toBeNull();
    }
    expect(address('shop.example', '//evil.example')).toBe(
      'https://shop.example:8443//evil.example',
    );
    expect(address('shop.example', '*')).toBeNull();
  });

  it('keeps the method, and serves nothing itself', async () => {
    const listener = await listen(
      createPublicServer(redirectToHttps(8_443, hosts.knows)),
      0,
      '127.0.0.1',
    );
    try {
      const url = `http://127.0.0.1:${listener.port}/api/orders`;
      const answer = await fetch(url, { method: 'POST', body: '{}', redirect: 'manual' });
      expect(answer.status).toBe(308);
      expect(answer.headers.get('location')).toBe('https://127.0.0.1:8443/api/orders');
    } finally {
      await listener.close();
    }
  });
});
