/** Password hashes (argon2id, RFC 9106). */
import { hash, verify } from '@node-rs/argon2';

/**
 * argon2id at 64 MiB, the memory that RFC 9106 recommends, and four passes: 55-60 ms a password
 * where one at the lower bound of OWASP's advice (19 MiB, two passes) takes 7 ms.
 */
export interface HashCost {
  readonly memoryCost: number;
  readonly timeCost: number;
}

export const hashCost: HashCost = { memoryCost: 64 * 1_024, timeCost: 4 };
const saltBytes = 16;
const hashBytes = 32;

/** What counts as the same password, however a keyboard composed its characters. */
function canonical(password: string): string {
  return password.normalize('NFKC');
}

export function hashPassword(password: string, cost: HashCost = hashCost): Promise<string> {
  return hash(canonical(password), { ...cost, parallelism: 1 }); // argon2id is the default
}

/** No password has this hash; checking one against it takes as long as against a real one. */
function dummyHash({ memoryCost, timeCost }: HashCost): string {
  const zeros = (bytes: number) => Buffer.alloc(bytes).toString('base64').replaceAll('=', '');
  const cost = `m=${memoryCost},t=${timeCost},p=1`;
  return `$argon2id$v=19$${cost}$${zeros(saltBytes)}$${zeros(hashBytes)}`;
}

/**
 * Whether it is the password of a stored hash. `null`, for an account that does not exist, takes
 * the same time and is false, so that waiting for the answer tells nobody which e-mail addresses
 * have an account.
 */
export async function isPassword(
  password: string,
  stored: string | null,
  cost: HashCost = hashCost,
): Promise<boolean> {
  const matches = await verify(stored ?? dummyHash(cost), canonical(password));
  return matches && stored !== null;
}
