/**
 * A cart's id is a secret that any instance can verify: a UUIDv7 (time first, so that new carts
 * are close together in the index, then 62 random bits) and eight bytes of a keyed digest of it.
 *
 * So an empty cart costs nothing: no row is written until the first line comes, and guessed ids
 * never reach the database. Rejected: a row per created cart. It cost as much as a line, and every
 * visitor who only looked left one behind.
 */
import {
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  timingSafeEqual,
} from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { uuidV7 } from '../../kit/uuid-v7.ts';

const uuidBytes = 16;
const tagBytes = 8;
/** Ids in use. The digest takes longer than all other work on an id. */
const knownMax = 20_000;

export class CartIds {
  readonly #key: KeyObject;
  readonly #known = new LRUCache<string, string>({ max: knownMax });

  constructor(sessionKey: Uint8Array) {
    const bytes = Buffer.from(hkdfSync('sha256', sessionKey, '', 'doorbuster cart id', 32));
    this.#key = createSecretKey(bytes); // made once: a digest with bare bytes takes 19 µs, not 5
  }

  /** A fresh id, to be given to the shopper. */
  issue(now: number): string {
    const key = uuidV7(now);
    const id = this.idOf(key);
    this.#known.set(id, key);
    return id;
  }

  /** The id of a row's key: the inverse of `keyOf`. */
  idOf(key: string): string {
    const uuid = Buffer.from(key.replaceAll('-', ''), 'hex');
    return Buffer.concat([uuid, this.#tagOf(uuid)]).toString('base64url');
  }

  /** The row's key (a UUID) for an id that this shop issued, else null. */
  keyOf(id: string): string | null {
    const found = this.#known.get(id);
    if (found !== undefined) return found;
    const key = this.#verifiedKey(id);
    if (key !== null) this.#known.set(id, key);
    return key;
  }

  #verifiedKey(id: string): string | null {
    const bytes = Buffer.from(id, 'base64url');
    if (bytes.length !== uuidBytes + tagBytes || bytes.toString('base64url') !== id) return null;
    const uuid = bytes.subarray(0, uuidBytes);
    return timingSafeEqual(bytes.subarray(uuidBytes), this.#tagOf(uuid)) ? uuidText(uuid) : null;
  }

  #tagOf(uuid: Buffer): Buffer {
    return createHmac('sha256', this.#key).update(uuid).digest().subarray(0, tagBytes);
  }
}

function uuidText(uuid: Buffer): string {
  const hex = uuid.toString('hex');
  const cuts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20)];
  return [...cuts, hex.slice(20)].join('-');
}
