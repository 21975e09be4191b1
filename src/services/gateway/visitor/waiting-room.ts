/**
 * The waiting room: above a set rate of new visitors, pages and purchases wait in line. It is off
 * unless `DOORBUSTER_WAITING_ROOM_RATE` is set (visitors per second, all gateways together).
 *
 * A visitor's place is a signed cookie, so it is kept across reloads and gateways. Each gateway
 * accepts it from `networksMax` networks (a phone changes between IPv6 and IPv4, Wi-Fi and mobile),
 * and from no other, so one place cannot admit many people. A visitor who waits for a product that
 * has sold out is admitted to the page that says so.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { LRUCache } from 'lru-cache';
import { readCookie, writeCookie } from '../../../kit/http/cookies.ts';
import { Problem } from '../../../kit/http/problem.ts';
import type { Client } from './client.ts';
import { type Place, WaitingLine } from './waiting-line.ts';

const cookieName = 'place';
/** Moment of arrival, a random part, and the signature of both. */
const placeForm = /^((\d{1,15}\.\d{3})\.[\w-]{8})\.([\w-]{22})$/;
const visitSeconds = 3_600;
const networksMax = 4;
/** Places whose networks are stored: the most recently used. */
const placesMax = 100_000;
/** How far the clocks of two gateways may differ. */
const clockMsMax = 1_000;
const refreshSecondsMin = 2;
const refreshSecondsMax = 10;

export interface WaitingRoomParts {
  readonly ratePerSecond: number;
  readonly key: Uint8Array;
  readonly now: () => number;
  /** Gateways that share the rate. */
  readonly gateways: () => number;
  /** Whether the product of this page is known to be sold out. */
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
  readonly #networks = new LRUCache<string, string[]>({ max: placesMax });

  constructor(parts: WaitingRoomParts) {
    this.#parts = parts;
    this.#key = createHmac('sha256', parts.key).update('waiting room').digest();
    this.#line = new WaitingLine(parts.now(), this.#rate());
  }

  /** The moment of arrival of a visitor with a valid place, else null. */
  ticketOf({ headers }: IncomingMessage, client: Client): number | null {
    const [, text = '', moment = '', signature = ''] =
      placeForm.exec(readCookie(headers.cookie, cookieName) ?? '') ?? [];
    const expected = Buffer.from(this.#sign(text));
    if (signature === '' || !timingSafeEqual(expected, Buffer.from(signature))) return null;
    const ageMs = this.#parts.now() - Number(moment);
    const isOfNow = ageMs >= -clockMsMax && ageMs <= visitSeconds * 1_000;
    return isOfNow && this.#mayComeFrom(client.network, text) ? Number(moment) : null;
  }

  /** `known`: the result of `ticketOf`. */
  decide({ url = '/' }: IncomingMessage, client: Client, known: number | null): Decision {
    const now = this.#parts.now();
    const ticket = known ?? this.#line.arrive(now, this.#rate());
    if (ticket === null) return { kind: 'full' };
    const cookie = known === null ? { cookie: this.#write(ticket, client) } : {};
    const place = this.#line.place(ticket, now, this.#rate());
    if (place.position === 0 || this.#parts.isGone(url)) return { kind: 'in', ...cookie };
    const position = place.position * Math.max(1, this.#parts.gateways());
    return { kind: 'waits', place: { ...place, position }, ...cookie };
  }

  #rate(): number {
    return this.#parts.ratePerSecond / Math.max(1, this.#parts.gateways());
  }

  #mayComeFrom(network: string, place: string): boolean {
    const known = this.#networks.get(place) ?? [];
    if (known.includes(network)) return true;
    if (known.length >= networksMax) return false;
    this.#networks.set(place, [...known, network]);
    return true;
  }

  #write(ticket: number, { scheme, network }: Client): string {
    const text = `${ticket.toFixed(3)}.${randomBytes(6).toString('base64url')}`;
    this.#mayComeFrom(network, text);
    const value = `${text}.${this.#sign(text)}`;
    return writeCookie({ name: cookieName, value, maxAgeSeconds: visitSeconds, scheme });
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

/** The answer to a visitor who has to wait. */
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
