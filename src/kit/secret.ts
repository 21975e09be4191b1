/** Secrets of the owner, from the environment or from files. */
import { readFileSync, statSync } from 'node:fs';

/**
 * Reads the variable `name`, or the file that `<name>_FILE` names and that only its owner may read.
 * Null where neither is set. Throws where others can read the file: then the secret may be known.
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
