import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:http2';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { fakeCatalog } from '../../../../test/gateway/fake-catalog.ts';
import { fakeService, fakeShop, sessionCookie } from '../../../../test/gateway/fake-shop.ts';
import { isCertified, type KeyPair, readKeyPair } from './tls.ts';

function temporaryHome(): { home: string } & Disposable {
  const home = mkdtempSync(path.join(tmpdir(), 'doorbuster-tls-'));
  return { home, [Symbol.dispose]: () => rmSync(home, { recursive: true }) };
}

async function pairIn(home: string): Promise<KeyPair> {
  const pair = await readKeyPair(home, { DOORBUSTER_TLS: 'on' });
  if (pair === null) throw new Error('TLS is on');
  return pair;
}

describe('the local certificate', () => {
  test('is made once, by the first of several starters, and only its owner reads it', async () => {
    using temporary = temporaryHome();
    const pairs = await Promise.all([1, 2, 3, 4].map(() => pairIn(temporary.home)));
    for (const pair of pairs) expect(pair.cert.equals(pairs[0]?.cert ?? Buffer.of())).toBe(true);
    const again = await pairIn(temporary.home);
    expect(again.cert.equals(pairs[0]?.cert ?? Buffer.of())).toBe(true);
    const mode = statSync(path.join(temporary.home, 'tls', 'local.pem')).mode & 0o777;
    expect(mode).toBe(0o600);
    const certificate = new X509Certificate(again.cert);
    expect(certificate.checkHost('localhost')).toBe('localhost');
    expect(certificate.checkIP('127.0.0.1')).toBe('127.0.0.1');
    expect(certificate.ca).toBe(false);
    expect([isCertified(again, 'localhost'), isCertified(again, 'evil.example')]) //
      .toEqual([true, false]);
  });

  test('is not made where TLS is off, and half of an own pair is an error', async () => {
    expect(await readKeyPair('/nowhere', {})).toBeNull();
    const env = { DOORBUSTER_TLS: 'on', DOORBUSTER_TLS_CERT: '/some.pem' };
    await expect(readKeyPair('/nowhere', env)).rejects.toThrow('DOORBUSTER_TLS_KEY');
  });
});

describe('under TLS', () => {
  test('browsers are answered over HTTP/2, with HSTS, from the cache too', async () => {
    using temporary = temporaryHome();
    const pair = await pairIn(temporary.home);
    await using catalog = await fakeCatalog();
    await using customers = await fakeService('customers', async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      const { headers } = request;
      response.setHeader('set-cookie', ['a=1', 'b=2']);
      response.end(JSON.stringify({ headers, body: `${Buffer.concat(chunks)}` }));
    });
    await using shop = await fakeShop([catalog, customers], {}, pair);
    await expect.poll(() => shop.freshness.stream.isLive()).toBe(true);
    const session = connect(shop.url, { ca: pair.cert });
    const ask = async (headers: Record<string, string>, body?: string) => {
      const stream = session.request(headers, { endStream: body === undefined });
      if (body !== undefined) stream.end(body);
      const [answer] = await once(stream, 'response');
      const chunks: Buffer[] = [];
      for await (const chunk of stream) chunks.push(chunk as Buffer);
      return { headers: answer, body: Buffer.concat(chunks).toString() };
    };
    for (let i = 0; i < 3; i += 1) {
      const product = await ask({ ':path': '/api/products/7' });
      expect(product.headers[':status']).toBe(200);
      expect(product.headers['strict-transport-security']).toBe('max-age=300');
      expect(JSON.parse(product.body).version).toBe(1);
    }
    expect(shop.freshness.reads.hits).toBe(2);
    const signIn = { ':path': '/api/sessions', ':method': 'POST', origin: shop.url };
    const signedIn = await ask(signIn, '{"a":1}');
    expect(signedIn.headers['set-cookie']).toEqual(['a=1', 'b=2']);
    const seen = JSON.parse(signedIn.body);
    expect(seen.body).toBe('{"a":1}');
    expect(seen.headers['x-forwarded-proto']).toBe('https');
    expect((await ask({ ':path': '/metrics' })).headers[':status']).toBe(404);
    const foreign = await ask({ ...signIn, origin: 'https://evil.example' }, '{}');
    expect(foreign.headers[':status']).toBe(403);
    session.close();
  });

  test('a refused upload ends its own stream and holds up no other', async () => {
    using temporary = temporaryHome();
    const pair = await pairIn(temporary.home);
    await using catalog = await fakeService('catalog', (_request, response) => {
      response.writeHead(403).end();
    });
    await using shop = await fakeShop([catalog], {}, pair);
    const session = connect(shop.url, { ca: pair.cert });
    const cookie = await sessionCookie({ role: 'staff' });
    const upload = { ':path': '/api/admin/products/import', ':method': 'POST' };
    for (let count = 0; count < 10; count += 1) {
      const stream = session.request({ ...upload, cookie, 'content-type': 'text/csv' });
      stream.write(Buffer.alloc(300_000, 'x')); // and more to come: it is never ended
      const ended = once(stream, 'aborted'); // our side of it
      const [answer] = await once(stream, 'response');
      expect(answer[':status']).toBe(403);
      await ended;
    }
    const next = session.request({ ':path': '/healthz' });
    expect((await once(next, 'response'))[0][':status']).toBe(200);
    session.destroy();
  });

  test('a client of HTTP/1.1 is answered too, and draining ends both', async () => {
    using temporary = temporaryHome();
    const pair = await pairIn(temporary.home);
    await using shop = await fakeShop([], {}, pair);
    const session = connect(shop.url, { ca: pair.cert });
    await once(session, 'connect');
    const sent = httpsRequest(`${shop.url}/healthz`, { ca: pair.cert }).end();
    const [answer] = await once(sent, 'response');
    expect([answer.statusCode, answer.httpVersion]).toEqual([200, '1.1']);
    answer.resume();
    const ended = once(session, 'close');
    await shop.drain();
    await ended;
  });
});
