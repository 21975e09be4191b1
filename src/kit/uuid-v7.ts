/**
 * UUID version 7 (RFC 9562, section 5.7, method 1): 48 bits of milliseconds, a 12-bit counter that
 * starts anew each millisecond, 62 random bits. The ids of one process always grow, and those of
 * several are nearly in order of time. That keeps database indexes compact.
 */
import { randomFillSync } from 'node:crypto';

const poolBytes = 8 * 1_024;
const counterMax = 0xfff;
const pool = Buffer.alloc(poolBytes);
let used = poolBytes;
let lastMs = -1;
let counter = 0;
/** The first characters of all ids of this millisecond. */
let prefix = '';

/** `now`: milliseconds since the Unix epoch. */
export function uuidV7(now: number): string {
  if (used + 8 > poolBytes) {
    randomFillSync(pool);
    used = 0;
  }
  if (now > lastMs) begin(now);
  else if (counter < counterMax) counter += 1;
  else begin(lastMs + 1);
  const random = pool.toString('hex', used, used + 8);
  const variant = '89ab'.charAt((pool[used] ?? 0) >> 6); // bits that `random` leaves out
  used += 8;
  const count = counter.toString(16).padStart(3, '0');
  return `${prefix}${count}-${variant}${random.slice(1, 4)}-${random.slice(4)}`;
}

function begin(millisecond: number): void {
  lastMs = millisecond;
  counter = 0;
  const time = millisecond.toString(16).padStart(12, '0');
  prefix = `${time.slice(0, 8)}-${time.slice(8)}-7`;
}

/** Milliseconds since the Unix epoch inside a UUIDv7. */
export function uuidTime(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}
