/**
 * The waiting room: past a set rate of new visitors, pages and purchases wait in line. Off unless
 * `DOORBUSTER_WAITING_ROOM_RATE` (visitors let in a second, all gateways together) is set.
 *
 * A visitor's place is a signed cookie, so a reload or another gateway changes nothing. It may be
 * shown from `networksMax` networks (a phone that goes from IPv6 to IPv4, from Wi-Fi to mobile and
 * back) at each gateway; from one more it is worth nothing, so that one place does not let in a
 * crowd. Who waits for something that has sold out meanwhile is let through to the page that says
 * so.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { LRUCache } from 'lru-cache';
import { readCookie, writeCookie } from '../../../kit/http/cookies.ts';
import { Problem } from '../../../kit/http/problem.ts';
import type { Client } from './client.ts';
import { type Place, WaitingLine } from './waiting-line.ts';

const cookieName = 'place';
const placeForm = /^(\d{1,15}\.\d{3})\.([\w-]{22})$/;
const visitSeconds = 3_600;
const networksMax = 4;
/** Places whose networks are remembered: the most recently used. */
const placesMax = 100_000;
const refreshSecondsMin = 2;
const refreshSecondsMax = 10;

export interface WaitingRoomParts {
  readonly ratePerSecond: number;
  readonly key: Uint8Array;
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
  /** Networks that each place was shown from. */
  readonly #networks = new LRUCache<number, string[]>({ max: placesMax });

  constructor(parts: WaitingRoomParts) {
    this.#parts = parts;
    this.#key = createHmac('sha256', parts.key).update('waiting room').digest();
    this.#line = new WaitingLine(parts.now(), this.#rate());
  }

  get waiting(): number {
    return this.#line.waiting;
  }

  decide({ url = '/', headers }: IncomingMessage, client: Client): Decision {
    const now = this.#parts.now();
    const shown = this.#read(headers.cookie);
    const isGood =
      shown !== null &&
      now - shown <= visitSeconds * 1_000 &&
      this.#mayComeFrom(client.network, shown);
    const ticket = isGood ? shown : this.#line.arrive(now, this.#rate());
    if (ticket === null) return { kind: 'full' };
    if (!isGood) this.#mayComeFrom(client.network, ticket);
    const cookie = isGood ? {} : { cookie: this.#write(ticket, client) };
    const place = this.#line.place(ticket, now, this.#rate());
    if (place.position === 0 || this.#parts.isGone(url)) return { kind: 'in', ...cookie };
    const position = place.position * Math.max(1, this.#parts.gateways());
    return { kind: 'waits', place: { ...place, position }, ...cookie };
  }

  #rate(): number {
    return this.#parts.ratePerSecond / Math.max(1, this.#parts.gateways());
  }

  #mayComeFrom(network: string, ticket: number): boolean {
    const known = this.#networks.get(ticket) ?? [];
    if (known.includes(network)) return true;
    if (known.length >= networksMax) return false;
    this.#networks.set(ticket, [...known, network]);
    return true;
  }

  #write(ticket: number, { scheme }: Client): string {
    const text = ticket.toFixed(3);
    const value = `${text}.${this.#sign(text)}`;
    return writeCookie({ name: cookieName, value, maxAgeSeconds: visitSeconds, scheme });
  }

  /** The moment in a visitor's cookie; null where it is not one of ours. */
  #read(cookieHeader: string | undefined): number | null {
    const found = placeForm.exec(readCookie(cookieHeader, cookieName) ?? '');
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

/** What a program gets instead of a page. */
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
