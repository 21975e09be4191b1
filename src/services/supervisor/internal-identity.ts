/**
 * The identity for TLS inside the shop: a certificate authority signs one certificate, by which
 * services and databases recognise each other. The authority's key is never stored, so nobody can
 * make a second certificate; before the identity expires, a start makes a new one as a whole.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { identityFiles } from '../../kit/cluster/internal-tls.ts';
import { replaceFile } from './stored-file.ts';

const years = 5;
/** It is renewed at a start only, so what is left must outlast any supervisor. */
const renewDaysBefore = 730;
const dayMs = 86_400_000;
const secretMode = 0o600;

type Extensions = NonNullable<
  NonNullable<Parameters<typeof import('selfsigned')['generate']>[1]>['extensions']
>;

const authority: Extensions = [
  { name: 'basicConstraints', cA: true, pathLenConstraint: 0, critical: true },
  { name: 'keyUsage', keyCertSign: true, critical: true },
];

const everyone: Extensions = [
  { name: 'basicConstraints', cA: false, critical: true },
  { name: 'keyUsage', digitalSignature: true, critical: true },
  { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
  {
    name: 'subjectAltName',
    altNames: [
      { type: 2, value: 'localhost' },
      { type: 7, ip: '127.0.0.1' },
      { type: 7, ip: '::1' },
    ],
  },
];

/** Makes the identity where there is none, or where it runs out soon. */
export async function keepIdentity(folder: string, now: Date): Promise<void> {
  if (isGood(folder, now)) return;
  const { generate } = await import('selfsigned'); // 16 MiB, needed once in years
  const notAfterDate = new Date(now);
  notAfterDate.setFullYear(notAfterDate.getFullYear() + years);
  const common = { keyType: 'ec', algorithm: 'sha256', notAfterDate } as const;
  const ca = await generate([{ name: 'commonName', value: 'Doorbuster inside' }], {
    ...common,
    extensions: authority,
  });
  const own = await generate([{ name: 'commonName', value: 'doorbuster' }], {
    ...common,
    extensions: everyone,
    ca: { key: ca.private, cert: ca.cert },
  });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const texts = { ca: ca.cert, cert: own.cert, key: own.private };
  for (const [part, name] of Object.entries(identityFiles)) {
    replaceFile(path.join(folder, name), texts[part as keyof typeof texts], secretMode);
  }
}

/** Whole, of its own authority, good for a while: a start may have died between two files. */
function isGood(folder: string, now: Date): boolean {
  try {
    const read = (name: string) => readFileSync(path.join(folder, name), 'utf8');
    const [ca, cert] = [read(identityFiles.ca), read(identityFiles.cert)];
    const certificate = new X509Certificate(cert);
    const isOurs =
      certificate.verify(new X509Certificate(ca).publicKey) &&
      certificate.checkPrivateKey(createPrivateKey(read(identityFiles.key)));
    const leftMs = Date.parse(certificate.validTo) - now.getTime();
    return isOurs && leftMs > renewDaysBefore * dayMs;
  } catch {
    return false;
  }
}
