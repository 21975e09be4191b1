/** Reads a purchase: from bytes to a checked request and its two fingerprints, or a Problem. */
import { hash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Compile } from 'typebox/compile';
import { PurchaseRequest } from '../../../api/order.ts';
import type { Principal } from '../../../kit/http/principal.ts';
import { badRequest, invalid, Problem } from '../../../kit/http/problem.ts';
import type { CheckoutLine } from '../../../shop/checkout.ts';

const requestCheck = Compile(PurchaseRequest);
const keyForm = /^[\x21-\x7e]{1,255}$/;
const waitSecondsDefault = 5;
const waitSecondsMax = 30;
const errorsMax = 20;

export interface Purchase {
  readonly request: PurchaseRequest;
  readonly email: string;
  readonly customer: string | null;
  /** The idempotency key's fingerprint, within its customer or among guests. */
  readonly key: string;
  /** The request in its canonical form: equal for equal requests, whatever their property order. */
  readonly text: string;
}

/** The canonical form's fingerprint: tells the same request from another one under the same key. */
export function requestHash({ text }: Purchase): string {
  return fingerprint(text);
}

/** First 128 bits of SHA-256, in a UUID's form: half the index size, still no collisions. */
function fingerprint(text: string): string {
  const hex = hash('sha256', text, 'hex');
  const [a, b, c, d] = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20)];
  return `${a}-${b}-${c}-${d}-${hex.slice(20, 32)}`;
}

/** The Idempotency-Key header. Throws Problem 400. */
export function idempotencyKey(request: IncomingMessage): string {
  const key = request.headers['idempotency-key'];
  if (typeof key === 'string' && keyForm.test(key)) return key;
  throw new Problem(400, 'idempotency-key', 'An Idempotency-Key header is needed', {
    detail: 'send 1 to 255 visible ASCII characters; repeat them to repeat the same purchase',
  });
}

/** Throws Problem 415 where the body is said to be something else than JSON. */
export function requireJson(request: IncomingMessage): void {
  const type = request.headers['content-type'];
  if (type === undefined || type.startsWith('application/json')) return;
  throw new Problem(415, 'media-type', 'Send JSON', {
    detail: 'content-type must be application/json',
  });
}

/** How long to hold the answer, in milliseconds (RFC 7240 `wait`, `respond-async`). */
export function waitMs(request: IncomingMessage): number {
  const prefer = request.headers['prefer'];
  if (prefer === undefined) return waitSecondsDefault * 1_000;
  const text = String(prefer);
  if (/\brespond-async\b/.test(text)) return 0;
  const match = /\bwait\s*=\s*(\d{1,6})/.exec(text);
  const seconds = match === null ? waitSecondsDefault : Number(match[1]);
  return Math.min(waitSecondsMax, seconds) * 1_000;
}

export function readPurchase(body: Buffer, rawKey: string, principal: Principal | null): Purchase {
  const text = body.toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw badRequest('the body is not JSON');
  }
  if (!requestCheck.Check(value)) throw invalid(explain(value));
  const unstorable = text.includes('\\u') ? unstorablePath(value, '') : null;
  if (unstorable !== null) {
    throw invalid([{ path: unstorable, message: 'holds a character that no text can have' }]);
  }
  const request = value;
  if ((request.lines === undefined) === (request.cartId === undefined)) {
    throw invalid([{ path: 'lines', message: 'send either lines or cartId' }]);
  }
  const email = request.email ?? principal?.email;
  if (email === undefined) {
    throw invalid([{ path: 'email', message: 'is needed for a guest' }]);
  }
  const customer = principal?.customerId ?? null;
  return {
    request,
    email,
    customer,
    key: fingerprint(`${customer ?? 'guest'}\0${rawKey}`),
    text: canonicalText(request, request.lines, request.email),
  };
}

/**
 * Where a string is that the database refuses, NUL or half of a surrogate pair, or null. JSON can
 * write them as escapes only. One such string would fail the whole batch that it is sent with.
 */
function unstorablePath(value: unknown, path: string): string | null {
  if (typeof value === 'string') {
    return value.includes('\0') || !value.isWellFormed() ? path : null;
  }
  if (typeof value !== 'object' || value === null) return null;
  for (const [name, part] of Object.entries(value)) {
    const found = unstorablePath(part, path === '' ? name : `${path}.${name}`);
    if (found !== null) return found;
  }
  return null;
}

function explain(value: unknown) {
  const errors = requestCheck.Errors(value).slice(0, errorsMax);
  return errors.map((error) => ({
    path: error.instancePath.slice(1).replaceAll('/', '.') || 'body',
    message: error.message,
  }));
}

/** Fixed property order, and nothing but what the contract knows. */
function canonicalText(
  { cartId, shippingAddress, payment }: PurchaseRequest,
  lines: readonly CheckoutLine[] | undefined,
  email: string | undefined,
): string {
  const { name, line1, line2, city, region, postalCode, country } = shippingAddress;
  return JSON.stringify({
    ...(lines === undefined ? { cartId } : { lines: lines.map(plainLine) }),
    email,
    shippingAddress: { name, line1, line2, city, region, postalCode, country },
    payment: { method: payment.method, token: payment.token },
  });
}

function plainLine({ sku, quantity }: CheckoutLine): CheckoutLine {
  return { sku, quantity };
}

/**
 * What is stored with the checkout, as JSON of a CheckoutRequest. Mostly that is the very text that
 * was fingerprinted; with a cart, or the e-mail address of whoever is signed in, it is written anew.
 */
export function checkoutRequestText(
  { request, text, email }: Purchase,
  lines: readonly CheckoutLine[],
): string {
  if (lines === request.lines && email === request.email) return text;
  return canonicalText(request, lines, email);
}
