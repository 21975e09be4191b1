/**
 * The escalation behind the client limits, off unless `DOORBUSTER_PROOF_OF_WORK` (leading zero
 * bits) is set: a client with nothing left may go on if it computes for a while. A person's browser
 * notices nothing; who sends ten thousand requests pays ten thousand times.
 *
 * A challenge is a signed moment that belongs to one client, so nothing is remembered until it is
 * solved; a solution is good once. Find a `nonce` such that SHA-256 of `challenge:nonce` begins with
 * so many zero bits, and send `doorbuster-proof: challenge:nonce`.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { LRUCache } from 'lru-cache';

const validMs = 120_000;
const usedMax = 100_000;
const proofForm = /^(\d{1,15}\.[\w-]{22}):([\w-]{1,32})$/;

export interface Challenge {
  readonly challenge: string;
  readonly bits: number;
}

function leadingZeroBits(digest: Buffer): number {
  let bits = 0;
  for (const byte of digest) {
    if (byte !== 0) return bits + Math.clz32(byte) - 24;
    bits += 8;
  }
  return bits;
}

export function isSolved(challenge: string, nonce: string, bits: number): boolean {
  const digest = createHash('sha256').update(`${challenge}:${nonce}`).digest();
  return leadingZeroBits(digest) >= bits;
}

export class ProofOfWork {
  readonly #bits: number;
  readonly #key: Buffer;
  readonly #now: () => number;
  readonly #used: LRUCache<string, true>;

  constructor(bits: number, key: Uint8Array, now: () => number = Date.now) {
    this.#bits = bits;
    this.#key = createHmac('sha256', key).update('proof of work').digest();
    this.#now = now;
    this.#used = new LRUCache({ max: usedMax });
  }

  challengeFor(client: string): Challenge {
    const at = String(Math.floor(this.#now()));
    return { challenge: `${at}.${this.#sign(at, client)}`, bits: this.#bits };
  }

  /** Whether a client has paid with this header. True at most once for each proof. */
  accepts(client: string, proof: string | undefined): boolean {
    const [, challenge = '', nonce = ''] = proofForm.exec(proof ?? '') ?? [];
    const [at = '', signature = ''] = challenge.split('.');
    if (signature === '' || this.#used.has(challenge)) return false;
    const expected = Buffer.from(this.#sign(at, client));
    if (!timingSafeEqual(expected, Buffer.from(signature))) return false;
    const age = this.#now() - Number(at);
    if (age < 0 || age > validMs || !isSolved(challenge, nonce, this.#bits)) return false;
    this.#used.set(challenge, true);
    return true;
  }

  #sign(at: string, client: string): string {
    const text = `${at} ${client}`;
    return createHmac('sha256', this.#key)
      .update(text)
      .digest()
      .subarray(0, 16)
      .toString('base64url');
  }
}
