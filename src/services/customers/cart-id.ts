/**
 * A cart's id is a secret and vouches for itself: a UUIDv7 (time first, so that new carts are
 * neighbours in the index, then 62 random bits) and eight bytes of a keyed digest over it.
 *
 * That makes an empty cart free: creating one writes nothing, since any instance can tell later
 * that the shop gave the id out. The row comes with the first line. It also means that guessing ids
 * never reaches the database. Rejected: a row per created cart, which cost as much as a line does
 * and left one behind for every visitor who only looked.
 */
import { createHmac, createSecretKey, hkdfSync, timingSafeEqual } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { uuidV7 } from '../../kit/uuid-v7.ts';

const uuidBytes = 16;
const tagBytes = 8;
/** Carts that shoppers are busy with: a digest takes longer than all else that looks at an id. */
const knownMax = 20_000;

export interface CartIds {
  /** A fresh id, to be given to the shopper. */
  issue(now: number): string;
  /** The row's key (a UUID) for an id that this shop issued, else null. */
  keyOf(id: string): string | null;
  /** The id of a row's key: the inverse of `keyOf`. */
  idOf(key: string): string;
}

export function createCartIds(sessionKey: Uint8Array): CartIds {
  const bytes = Buffer.from(hkdfSync('sha256', sessionKey, '', 'doorbuster cart id', 32));
  const key = createSecretKey(bytes); // made once: a digest with bare bytes takes 19 µs, not 5
  const tagOf = (uuid: Buffer) =>
    createHmac('sha256', key).update(uuid).digest().subarray(0, tagBytes);
  const sealed = (uuid: Buffer) => Buffer.concat([uuid, tagOf(uuid)]).toString('base64url');
  const idOf = (key: string) => sealed(Buffer.from(key.replaceAll('-', ''), 'hex'));
  const known = new LRUCache<string, string>({ max: knownMax });
  const verifiedKey = (id: string): string | null => {
    const bytes = Buffer.from(id, 'base64url');
    if (bytes.length !== uuidBytes + tagBytes || bytes.toString('base64url') !== id) return null;
    const uuid = bytes.subarray(0, uuidBytes);
    if (!timingSafeEqual(bytes.subarray(uuidBytes), tagOf(uuid))) return null;
    return uuidText(uuid);
  };
  return {
    issue: (now) => {
      const key = uuidV7(now);
      const id = idOf(key);
      known.set(id, key);
      return id;
    },
    idOf,
    keyOf: (id) => {
      const found = known.get(id);
      if (found !== undefined) return found;
      const key = verifiedKey(id);
      if (key !== null) known.set(id, key);
      return key;
    },
  };
}

function uuidText(uuid: Buffer): string {
  const hex = uuid.toString('hex');
  const cuts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20)];
  return [...cuts, hex.slice(20)].join('-');
}
