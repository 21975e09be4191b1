/** The shop's secrets: made at the first start, kept in one file that only its owner can read. */
import { randomBytes } from 'node:crypto';
import { chmodSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { replaceFile } from './stored-file.ts';

const secretMode = 0o600;

export interface Secrets {
  readonly internalToken: string;
  readonly sessionKey: string;
  readonly ownerPassword: string;
  readonly databasePasswords: Readonly<Record<DatabaseRole, string>>;
}

export const databaseRoles = ['postgres', 'replicator', 'catalog', 'customers', 'orders'] as const;
export type DatabaseRole = (typeof databaseRoles)[number];

export interface OpenedSecrets {
  readonly secrets: Secrets;
  /** This home is new: nothing was ever kept in it. */
  readonly fresh: boolean;
  /** The owner's password was made just now and must be shown, once. */
  readonly passwordMade: boolean;
}

function random(bytes: number): string {
  return randomBytes(bytes).toString('base64url');
}

/** Reads or makes `secrets.json`; a given owner's password replaces the kept one. */
export function openSecrets(home: string, ownerPassword: string | undefined): OpenedSecrets {
  const file = path.join(home, 'secrets.json');
  const given = ownerPassword === undefined || ownerPassword === '' ? null : ownerPassword;
  let kept: Secrets | null = null;
  try {
    kept = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      throw new Error(`${file} cannot be read: restore it, or remove the home to begin anew`);
    }
  }
  const secrets: Secrets = kept ?? {
    internalToken: random(32),
    sessionKey: randomBytes(32).toString('hex'),
    ownerPassword: given ?? random(12),
    databasePasswords: Object.fromEntries(
      databaseRoles.map((role) => [role, random(24)]),
    ) as Record<DatabaseRole, string>,
  };
  const current = given === null ? secrets : { ...secrets, ownerPassword: given };
  if (kept === null || current.ownerPassword !== kept.ownerPassword) {
    replaceFile(file, `${JSON.stringify(current, null, 2)}\n`, secretMode);
  }
  chmodSync(file, secretMode);
  return {
    secrets: current,
    fresh: kept === null,
    passwordMade: kept === null && given === null,
  };
}
