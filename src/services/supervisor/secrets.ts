/**
 * The shop's secrets: made at the first start, kept in one file that only its owner can read. A
 * secret that is lost is made again: the shop's data does not depend on the old one.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, readFileSync, renameSync } from 'node:fs';
import path from 'node:path';
import { replaceFile } from './stored-file.ts';

const secretMode = 0o600;

export interface Secrets {
  readonly internalToken: string;
  readonly sessionKey: string;
  readonly ownerPassword: string;
  readonly databasePasswords: DatabasePasswords;
}

export const databaseRoles = ['postgres', 'replicator', 'catalog', 'customers', 'orders'] as const;
export type DatabaseRole = (typeof databaseRoles)[number];
export type DatabasePasswords = Readonly<Record<DatabaseRole, string>>;

interface Kept extends Secrets {
  /** The databases do not know these passwords yet. */
  readonly passwordsAreNew?: boolean;
}

export interface OpenedSecrets {
  readonly secrets: Secrets;
  /** There was no file at all. */
  readonly fresh: boolean;
  /** The owner's password was made just now and must be shown, once. */
  readonly ownerPasswordMade: boolean;
  readonly sessionKeyMade: boolean;
  readonly databasePasswordsMade: boolean;
  /**
   * Databases that exist have other passwords: they are to be replaced, then call
   * `passwordsAreSet`.
   */
  readonly passwordsAreNew: boolean;
}

function random(bytes: number): string {
  return randomBytes(bytes).toString('base64url');
}

/**
 * Reads `secrets.json` and makes what it lacks; a given owner's password replaces the kept one.
 * Throws a sentence where the file is there and cannot be read.
 */
export function openSecrets(home: string, ownerPassword: string | undefined): OpenedSecrets {
  const file = fileIn(home);
  const { kept, fresh } = read(file);
  const given = ownerPassword === undefined || ownerPassword === '' ? null : ownerPassword;
  const passwords = passwordsOf(kept);
  const sessionKey = /^[0-9a-f]{64}$/.test(kept.sessionKey ?? '') ? kept.sessionKey : undefined;
  const passwordsAreNew = passwords === null || kept.passwordsAreNew === true;
  const secrets: Secrets = {
    internalToken: textOf(kept.internalToken) ?? random(32),
    sessionKey: sessionKey ?? randomBytes(32).toString('hex'),
    ownerPassword: given ?? textOf(kept.ownerPassword) ?? random(12),
    databasePasswords: passwords ?? newPasswords(),
  };
  const text = written({ ...secrets, ...(passwordsAreNew ? { passwordsAreNew } : {}) });
  if (text !== written(kept as Kept)) replaceFile(file, text, secretMode);
  chmodSync(file, secretMode);
  return {
    secrets,
    fresh,
    ownerPasswordMade: given === null && textOf(kept.ownerPassword) === null,
    sessionKeyMade: sessionKey === undefined,
    databasePasswordsMade: passwords === null,
    passwordsAreNew,
  };
}

/** From now on the kept passwords are those of the databases. */
export function passwordsAreSet(home: string, secrets: Secrets): void {
  replaceFile(fileIn(home), written(secrets), secretMode);
}

function fileIn(home: string): string {
  return path.join(home, 'secrets.json');
}

function written(secrets: Kept): string {
  return `${JSON.stringify(secrets, null, 2)}\n`;
}

/** A file that is not JSON is moved aside, not deleted: a person may still read it. */
function read(file: string): { readonly kept: Partial<Kept>; readonly fresh: boolean } {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return { kept: {}, fresh: true };
    throw new Error(`${file} cannot be read (${message}): start the shop as the one who owns it`);
  }
  try {
    const kept: unknown = JSON.parse(text);
    if (typeof kept === 'object' && kept !== null) return { kept, fresh: false };
  } catch {
    // not JSON
  }
  renameSync(file, `${file}.damaged`);
  return { kept: {}, fresh: false };
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

/**
 * All or none: nobody knows which of them the databases have. Their form is checked, because they
 * become part of SQL.
 */
function passwordsOf({ databasePasswords }: Partial<Kept>): DatabasePasswords | null {
  const isWhole = databaseRoles.every((role) => /^[\w-]+$/.test(databasePasswords?.[role] ?? ''));
  return isWhole ? (databasePasswords ?? null) : null;
}

function newPasswords(): DatabasePasswords {
  const made = databaseRoles.map((role) => [role, random(24)]);
  return Object.fromEntries(made) as DatabasePasswords;
}
