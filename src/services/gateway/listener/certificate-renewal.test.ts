import { once } from 'node:events';
import fs, { copyFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { generate } from 'selfsigned';
import { expect, test, vi } from 'vitest';
import { createLog } from '../../../kit/log.ts';
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
      const { port } = listener;
      const ALPNProtocols = ['h2'];
      const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols });
      visitors.push(socket);
      await once(socket, 'secureConnect');
      expect(socket.alpnProtocol).toBe('h2');
      return { socket, fingerprint: socket.getPeerCertificate().fingerprint256 };
    },
    become(both: string) {
      for (const file of [cert, key]) writeFileSync(file, both);
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

test('new connections get a renewed certificate, and open ones stay', async () => {
  await using shop = await fixture();
  const before = await shop.visit();
  await shop.renewal.check();
  expect((await shop.visit()).fingerprint).toBe(before.fingerprint);
  shop.replace('cert');
  shop.replace('key');
  await shop.renewal.check();
  const after = await shop.visit();
  expect(after.fingerprint).not.toBe(before.fingerprint);
  const session = connectHttp2('https://localhost', { createConnection: () => before.socket });
  const stream = session.request({ ':path': '/' });
  const [answer] = await once(stream, 'response');
  expect(answer[':status']).toBe(200);
});

test('half of a pair, or a broken one, changes nothing and is warned of once', async () => {
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

async function ending(days: number): Promise<string> {
  const notAfterDate = new Date(Date.now() + days * 86_400_000);
  const made = await generate([{ name: 'commonName', value: 'localhost' }], { notAfterDate });
  return `${made.private}\n${made.cert}\n`;
}

test('one that ends soon is warned of once a day', async () => {
  await using shop = await fixture();
  shop.become(await ending(10.5));
  await shop.renewal.check();
  await shop.renewal.check();
  expect(shop.complaints).toEqual(['the certificate ends soon: renew it']);
  shop.become(await ending(9.5));
  await shop.renewal.check();
  expect(shop.complaints).toHaveLength(2);
  shop.replace('cert');
  shop.replace('key');
  await shop.renewal.check();
  expect(shop.complaints).toHaveLength(2);
});

test.each([
  ['that ends soon', () => ending(20)],
  ['that is none', async () => 'half of a certifi'],
])('a local certificate %s is made anew', async (_, text) => {
  await using shop = await fixture();
  const home = path.join(shop.home, 'old');
  const bad = await text();
  writeFileSync(path.join(home, 'tls', 'local.pem'), bad);
  const fresh = await pairOf(home, local);
  expect(fresh.cert.equals(Buffer.from(bad))).toBe(false);
  expect((await pairOf(home, local)).cert.equals(fresh.cert)).toBe(true);
  expect(readdirSync(path.join(home, 'tls'))).toEqual(['local.pem']);
});

test('a local certificate that ends soon and cannot be replaced is used', async () => {
  await using shop = await fixture();
  const home = path.join(shop.home, 'old');
  const text = await ending(20);
  const file = path.join(home, 'tls', 'local.pem');
  writeFileSync(file, text);
  // As on a full disk, and for root too: nothing takes the place of a file in another's name.
  const stuck = vi.spyOn(fs, 'renameSync').mockImplementation(() => {
    throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
  });
  syncBuiltinESMExports();
  const pair = await pairOf(home, local);
  stuck.mockRestore();
  syncBuiltinESMExports();
  expect(pair.cert.equals(Buffer.from(text))).toBe(true);
  expect(readdirSync(path.join(home, 'tls'))).toEqual(['local.pem']);
});
