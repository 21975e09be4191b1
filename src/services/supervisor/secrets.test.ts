import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSecrets, passwordsAreSet } from './secrets.ts';

let home: string;
let file: string;

beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), 'doorbuster-secrets-'));
  file = path.join(home, 'secrets.json');
});
afterEach(() => rmSync(home, { recursive: true }));

describe('the secrets of a home', () => {
  it('are made once, and the same from then on', () => {
    const first = openSecrets(home, undefined);
    expect(first).toMatchObject({ fresh: true, ownerPasswordMade: true, passwordsAreNew: true });
    passwordsAreSet(home, first.secrets);
    const second = openSecrets(home, undefined);
    expect(second.secrets).toEqual(first.secrets);
    const nothing = { fresh: false, ownerPasswordMade: false, sessionKeyMade: false };
    expect(second).toMatchObject({ ...nothing, passwordsAreNew: false });
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('say that databases do not know their passwords until they do', () => {
    openSecrets(home, undefined);
    expect(openSecrets(home, undefined).passwordsAreNew).toBe(true);
  });

  it.each(['', '{"sessionKey": "', 'null', '[1'])('that were cut to %j are made anew', (text) => {
    writeFileSync(file, text);
    const opened = openSecrets(home, 'given');
    expect(opened).toMatchObject({ sessionKeyMade: true, passwordsAreNew: true, fresh: false });
    expect(opened.secrets.ownerPassword).toBe('given');
    expect(readFileSync(`${file}.damaged`, 'utf8')).toBe(text);
  });

  it('keep what is left of them', () => {
    const { secrets } = openSecrets(home, undefined);
    const { databasePasswords, ...rest } = secrets;
    const { orders: _, ...others } = databasePasswords;
    writeFileSync(file, JSON.stringify({ ...rest, databasePasswords: others }));
    const opened = openSecrets(home, undefined);
    expect(opened.secrets).toMatchObject(rest);
    expect(opened).toMatchObject({ sessionKeyMade: false, passwordsAreNew: true });
    expect(opened.secrets.databasePasswords.orders).toMatch(/^[\w-]{32}$/);
    writeFileSync(file, JSON.stringify({ ...secrets, sessionKey: 'short' }));
    expect(openSecrets(home, undefined)).toMatchObject({ sessionKeyMade: true });
  });
});
