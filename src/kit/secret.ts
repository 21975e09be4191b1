import { readFileSync, statSync } from 'node:fs';

/**
 * A secret of the environment: the variable `name` itself, or a file that `<name>_FILE` names and
 * that only its owner may read. Null where neither is set. Throws a sentence where others could
 * read the file, since a secret that was readable is none.
 */
export function readSecret(
  name: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): string | null {
  const value = env[name]?.trim();
  if (value !== undefined && value !== '') return value;
  const file = env[`${name}_FILE`];
  if (file === undefined || file === '') return null;
  if ((statSync(file).mode & 0o077) !== 0) {
    throw new Error(`${file} can be read by others: run chmod 600 on it, and make a new secret`);
  }
  return readFileSync(file, 'utf8').trim();
}
