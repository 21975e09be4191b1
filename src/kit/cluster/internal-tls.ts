/**
 * Mutual TLS between services and databases, with one switch: `DOORBUSTER_INTERNAL_TLS`. `on` uses
 * the identity that the supervisor made in its home; any other value names a folder with one (a
 * mounted secret). Both sides show a certificate of the same authority. The internal credential is
 * required as well.
 */
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import path from 'node:path';

export interface InternalTls {
  /** Certificates of the authorities that are trusted, PEM. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export const identityFiles = { ca: 'ca.pem', cert: 'cert.pem', key: 'key.pem' } as const;

/** Where the supervisor of this home keeps the identity that it makes. */
export function ownIdentityFolder(home: string): string {
  return path.join(home, 'tls', 'internal');
}

/** Null where the switch is off. */
export function identityFolder(
  home: string,
  env: Readonly<Record<string, string | undefined>>,
): string | null {
  const given = env['DOORBUSTER_INTERNAL_TLS'];
  if (given === undefined || given === '' || given === 'off') return null;
  return given === 'on' ? ownIdentityFolder(home) : path.resolve(given);
}

/** Throws an error that names the file that cannot be read. */
export function readIdentity(folder: string): InternalTls {
  const read = (name: string): string => {
    const file = path.join(folder, name);
    try {
      return readFileSync(file, 'utf8');
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new Error(
        `DOORBUSTER_INTERNAL_TLS needs ${file}, which cannot be read (${code}). Set it to "on" ` +
          'for certificates of our own making, or to the folder of yours.',
      );
    }
  };
  const { ca, cert, key } = identityFiles;
  return { ca: read(ca), cert: read(cert), key: read(key) };
}

/** Null where the switch is off. */
export function readInternalTls(
  home: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): InternalTls | null {
  const folder = identityFolder(home, env);
  return folder === null ? null : readIdentity(folder);
}

/** For a connection to an instance, whose certificate names `serverName` or its address. */
export function tlsTo({ serverName }: { readonly serverName?: string }, tls: InternalTls | null) {
  const servername = serverName === undefined || isIP(serverName) ? {} : { servername: serverName };
  return tls === null ? {} : { ...tls, ...servername };
}

/** For `pg`, which changes the object that it is given: each caller gets a copy. */
export function sslOf(tls: InternalTls | null): InternalTls | false {
  return tls === null ? false : { ...tls };
}
