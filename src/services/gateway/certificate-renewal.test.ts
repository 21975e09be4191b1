import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { generate } from 'selfsigned';
import { expect, test } from 'vitest';
import { createLog } from '../../kit/log.ts';
import { CertificateRenewal } from './certificate-renewal.ts';
import { createSecurePublicServer, listen } from './public-listener.ts';
import { type KeyPair, readKeyPair } from './tls.ts';

const local = { DOORBUSTER_TLS: 'on' };

async function pairOf(home: string, env: Readonly<Record<string, string>>): Promise<KeyPair> {
  const pair = await readKeyPair(home, env);
  if (pair === null) throw new Error('TLS is on');
  return pair;
}

async function fixture() {
  const home = mkdtempSync(path.join(tmpdir(), 'doorbuster-renewal-'));
  const made = (name: string) => path.join(home, name, 'tls', 'local.pem');
  for (const name of ['old', 'new']) await pairOf(path.join(home, name), local);
  const [cert, key] = [path.join(home, 'cert.pem'), path.join(home, 'key.pem')];
  copyFileSync(made('old'), cert);
  copyFileSync(made('old'), key);
  const env = { ...local, DOORBUSTER_TLS_CERT: cert, DOORBUSTER_TLS_KEY: key };
  const pair = await pairOf(home, env);
  const server = createSecurePublicServer((_request, response) => response.end('alive'), pair);
  const listener = await listen(server, 0, '127.0.0.1');
  const logFile = path.join(home, 'log');
  const log = createLog('gateway-1', 'fatal', logFile);
  const complaints: string[] = [];
  log.warn = (_details: unknown, message?: string) => complaints.push(message ?? '');
  const read = () => readKeyPair(home, env);
  const renewal = new CertificateRenewal(pair, { read, use: server.renew, log });
  const visitors: TLSSocket[] = [];
  return {
    home,
    renewal,
    complaints,
    replace: (which: 'cert' | 'key') => copyFileSync(made('new'), which === 'cert' ? cert : key),
    async visit() {
      const socket = connect({ port: listener.port, host: '127.0.0.1', rejectUnauthorized: false });
      visitors.push(socket);
      await once(socket, 'secureConnect');
      return { socket, fingerprint: socket.getPeerCertificate().fingerprint256 };
    },
    spoil: () => writeFileSync(cert, 'half of a certifi'),
    async [Symbol.asyncDispose]() {
      renewal.close();
      for (const socket of visitors) socket.destroy();
      await listener.close();
      rmSync(home, { recursive: true });
    },
  };
}

test('a renewed certificate is shown to who comes, and who is here stays', async () => {
  await using shop = await fixture();
  const before = await shop.visit();
  await shop.renewal.check();
  expect((await shop.visit()).fingerprint).toBe(before.fingerprint);
  shop.replace('cert');
  shop.replace('key');
  await shop.renewal.check();
  const after = await shop.visit();
  expect(after.fingerprint).not.toBe(before.fingerprint);
  before.socket.write('GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n');
  const [answer] = await once(before.socket, 'data');
  expect(String(answer)).toMatch(/^HTTP\/1.1 200 /);
});

test('half of a pair, or a broken one, changes nothing and is complained of once', async () => {
  await using shop = await fixture();
  const before = await shop.visit();
  const until = shop.renewal.validUntil;
  shop.replace('cert');
  await shop.renewal.check();
  await shop.renewal.check();
  expect(shop.complaints).toHaveLength(1);
  shop.spoil();
  await shop.renewal.check();
  expect(shop.complaints).toHaveLength(2);
  expect((await shop.visit()).fingerprint).toBe(before.fingerprint);
  expect(shop.renewal.validUntil).toBe(until);
  shop.replace('cert');
  shop.replace('key');
  await shop.renewal.check();
  expect((await shop.visit()).fingerprint).not.toBe(before.fingerprint);
});

test('a local certificate that ends soon is made anew', async () => {
  await using shop = await fixture();
  const { home } = shop;
  const file = path.join(home, 'old', 'tls', 'local.pem');
  const notAfterDate = new Date(Date.now() + 20 * 86_400_000);
  const ending = await generate([{ name: 'commonName', value: 'localhost' }], { notAfterDate });
  writeFileSync(file, `${ending.private}\n${ending.cert}\n`);
  const fresh = await pairOf(path.join(home, 'old'), local);
  expect(fresh.cert.includes(ending.cert.trim())).toBe(false);
  const again = await pairOf(path.join(home, 'old'), local);
  expect(again.cert.equals(fresh.cert)).toBe(true);
});
