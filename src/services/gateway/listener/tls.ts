/**
 * TLS to browsers, with one switch: `DOORBUSTER_TLS=on`. With `DOORBUSTER_TLS_CERT` and
 * `DOORBUSTER_TLS_KEY` (PEM files) the gateway uses your certificate. Without them it makes a local
 * one at the first start and keeps it, so a browser has to accept it only once.
 */
import { randomUUID, X509Certificate } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export interface KeyPair {
  readonly key: Buffer;
  readonly cert: Buffer;
  /** Short for a local certificate: else browsers would refuse other servers on localhost. */
  readonly hstsSeconds: number;
}

/** For the owner's certificate, and for a proxy that has one. */
export const hstsSecondsOwn = 31_536_000;
const hstsSecondsLocal = 300;
const localYears = 2;
/** A new local certificate is made this long before the old one ends. */
const localRenewalMs = 30 * 86_400_000;
const localNames = ['localhost', 'doorbuster.localhost'];
const localAddresses = ['127.0.0.1', '::1'];

async function makeLocal(): Promise<string> {
  const { generate } = await import('selfsigned'); // 16 MiB that plain HTTP does not need
  const notAfterDate = new Date();
  notAfterDate.setFullYear(notAfterDate.getFullYear() + localYears);
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notAfterDate,
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          ...localNames.map((value) => ({ type: 2 as const, value })),
          ...localAddresses.map((ip) => ({ type: 7 as const, ip })),
        ],
      },
    ],
  });
  return `${key.trim()}\n${cert.trim()}\n`;
}

/**
 * Key and certificate are in one file, so they are always read together. A certificate that ends
 * soon and cannot be replaced (a full disk) is used until it ends.
 */
async function localPair(home: string): Promise<KeyPair> {
  const folder = path.join(home, 'tls');
  const file = path.join(folder, 'local.pem');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const known = existing(file);
  const msLeft = known === null ? 0 : msUntilEnd(known);
  if (known !== null && msLeft > localRenewalMs) return pairOf(known);
  try {
    await placeLocal(folder, file, known === null);
  } catch (error) {
    if (known === null || msLeft <= 0) throw error;
  }
  return pairOf(readFileSync(file));
}

/**
 * Of several gateways that start at once all use the certificate that is placed first. A renewal
 * replaces the file, and the other gateways read it like any renewed certificate.
 */
async function placeLocal(folder: string, file: string, isFirst: boolean): Promise<void> {
  const draft = path.join(folder, `${randomUUID()}.pem`);
  try {
    writeFileSync(draft, await makeLocal(), { mode: 0o600 });
    if (isFirst) linkSync(draft, file);
    else renameSync(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

function existing(file: string): Buffer | null {
  try {
    return readFileSync(file);
  } catch {
    return null; // first start
  }
}

/** 0 for bytes that are no certificate. */
function msUntilEnd(cert: Buffer): number {
  try {
    return Date.parse(new X509Certificate(cert).validTo) - Date.now();
  } catch {
    return 0;
  }
}

function pairOf(both: Buffer): KeyPair {
  return { key: both, cert: both, hstsSeconds: hstsSecondsLocal };
}

/** Null where TLS is off. Throws where a named file cannot be read. */
export async function readKeyPair(
  home: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<KeyPair | null> {
  if (env['DOORBUSTER_TLS'] !== 'on') return null;
  const [cert, key] = [env['DOORBUSTER_TLS_CERT'], env['DOORBUSTER_TLS_KEY']];
  if (cert === undefined && key === undefined) return await localPair(home);
  if (cert === undefined || key === undefined) {
    throw new Error('DOORBUSTER_TLS_CERT and DOORBUSTER_TLS_KEY belong together: one is missing');
  }
  return { key: readFileSync(key), cert: readFileSync(cert), hstsSeconds: hstsSecondsOwn };
}

/** Whether the certificate is for this name. */
export function isCertified({ cert }: KeyPair, name: string): boolean {
  return new X509Certificate(cert).checkHost(name) !== undefined;
}
