/**
 * The waiting room: past a set rate of new visitors, pages and purchases wait in line. Off unless
 * `DOORBUSTER_WAITING_ROOM_RATE` (visitors let in a second, all gateways together) is set.
 *
 * A visitor's place is a signed cookie, so a reload or another gateway changes nothing. Who waits
 * for something that has sold out meanwhile is let through to the page that says so.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Problem } from '../../../kit/http/problem.ts';
import { type Place, WaitingLine } from './waiting-line.ts';

const cookieName = 'place';
const visitSeconds = 3_600;
const refreshSecondsMin = 2;
const refreshSecondsMax = 10;
const ungated = /^\/(assets|media)\/|\.[a-z0-9]{2,5}(\?|$)/;

export interface WaitingRoomParts {
  readonly ratePerSecond: number;
  readonly key: Uint8Array;
  readonly secure: boolean;
  readonly now: () => number;
  /** Gateways that share the rate. */
  readonly gateways: () => number;
  /** Whether what this page sells is known to be gone. */
  readonly isGone: (path: string) => boolean;
}

export type Decision =
  | { readonly kind: 'in'; readonly cookie?: string }
  | { readonly kind: 'waits'; readonly place: Place; readonly cookie?: string }
  | { readonly kind: 'full' };

export class WaitingRoom {
  readonly #parts: WaitingRoomParts;
  readonly #line: WaitingLine;
  readonly #key: Buffer;

  constructor(parts: WaitingRoomParts) {
    this.#parts = parts;
    this.#key = createHmac('sha256', parts.key).update('waiting room').digest();
    this.#line = new WaitingLine(parts.now(), this.#rate());
  }

  get waiting(): number {
    return this.#line.waiting;
  }

  /** Pages and purchases wait; pictures, scripts, data and look-ups do not. */
  gates({ method, url = '/', headers }: IncomingMessage): boolean {
    if (method === 'POST') return url.split('?', 1)[0] === '/api/orders';
    if (method !== 'GET' || url.startsWith('/api/') || ungated.test(url)) return false;
    return headers.accept?.includes('text/html') === true;
  }

  decide({ url = '/', headers }: IncomingMessage): Decision {
    const now = this.#parts.now();
    const known = this.#read(headers.cookie);
    const expired = known !== null && now - known > visitSeconds * 1_000;
    const ticket = known === null || expired ? this.#line.arrive(now, this.#rate()) : known;
    if (ticket === null) return { kind: 'full' };
    const cookie = ticket === known ? {} : { cookie: this.#write(ticket) };
    const place = this.#line.place(ticket, now, this.#rate());
    if (place.position === 0 || this.#parts.isGone(url)) return { kind: 'in', ...cookie };
    const position = place.position * Math.max(1, this.#parts.gateways());
    return { kind: 'waits', place: { ...place, position }, ...cookie };
  }

  #rate(): number {
    return this.#parts.ratePerSecond / Math.max(1, this.#parts.gateways());
  }

  #write(ticket: number): string {
    const text = ticket.toFixed(3);
    const secure = this.#parts.secure ? '; Secure' : '';
    const value = `${text}.${this.#sign(text)}`;
    const rules = `Path=/; HttpOnly; SameSite=Lax; Max-Age=${visitSeconds}${secure}`;
    return `${cookieName}=${value}; ${rules}`;
  }

  /** The moment in a visitor's cookie; null where it is not one of ours. */
  #read(cookieHeader: string | undefined): number | null {
    const found = /(?:^|;\s*)place=(\d{1,15}\.\d{3})\.([\w-]{22})(?:;|$)/.exec(cookieHeader ?? '');
    if (found === null) return null;
    const [, text = '', signature = ''] = found;
    const expected = Buffer.from(this.#sign(text));
    if (!timingSafeEqual(expected, Buffer.from(signature))) return null;
    const ticket = Number(text);
    return ticket > this.#parts.now() + 1_000 ? null : ticket;
  }

  #sign(text: string): string {
    return createHmac('sha256', this.#key)
      .update(text)
      .digest()
      .subarray(0, 16)
      .toString('base64url');
  }
}

export function refreshSeconds({ etaSeconds }: Place): number {
  return Math.min(refreshSecondsMax, Math.max(refreshSecondsMin, Math.ceil(etaSeconds / 4)));
}

/** What a program hears instead of a page. */
export function waitingProblem(place: Place): Problem {
  return new Problem(
    503,
    'waiting-room',
    'Please wait in line',
    {
      detail: `Your place is ${place.position}. Ask again with the cookie that comes with this.`,
      position: place.position,
      etaSeconds: place.etaSeconds,
    },
    { 'retry-after': String(refreshSeconds(place)) },
  );
}
