/**
 * Reads a purchase: from bytes to a validated request and its two fingerprints, or a Problem.
 *
 * The fingerprint of a key is made from the buyer's e-mail address and the Idempotency-Key, not
 * from the session. So the same request with and without a session is one order, and a guessed key
 * is useless without the address.
 */
import assert from 'node:assert';
import { hash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { PurchaseRequest } from '../../../api/order.ts';
import { isJson } from '../../../kit/http/negotiation.ts';
import type { Principal } from '../../../kit/http/principal.ts';
import { badRequest, invalid, Problem } from '../../../kit/http/problem.ts';
import type { CartVersion, CheckoutLine } from '../../../shop/checkout.ts';
import { needsPostalCode } from '../../../shop/postal-code.ts';

const requestCheck = Compile(PurchaseRequest);
const keyForm = /^[\x21-\x7e]{1,255}$/;
const waitSecondsDefault = 5;
const waitSecondsMax = 30;
const errorsMax = 20;

/** A validated purchase and its fingerprints. */
export interface Purchase {
  /** Properties in the order of the contract; `email` of the request, else of the account. */
  readonly request: PurchaseRequest & { readonly email: string };
  readonly customer: string | null;
  /** Fingerprint of the buyer's e-mail address and the Idempotency-Key. */
  readonly key: string;
  /** JSON of `request`: equal for equal requests, whatever the order of their properties was. */
  readonly text: string;
}

/** Shows whether two requests with the same key are equal. */
export function requestHash({ text }: Purchase): string {
  return fingerprint(text);
}

/** First 128 bits of SHA-256, as a UUID: half the index size, and still no collisions. */
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

/** Throws Problem 415 where the content type is not JSON. */
export function requireJson(request: IncomingMessage): void {
  const type = request.headers['content-type'];
  if (type === undefined || isJson(type)) return;
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
  if ((value.lines === undefined) === (value.cartId === undefined)) {
    throw invalid([{ path: 'lines', message: 'send either lines or cartId' }]);
  }
  const { country, postalCode } = value.shippingAddress;
  if (postalCode === undefined && needsPostalCode(country)) {
    throw invalid([{ path: 'shippingAddress.postalCode', message: 'is needed in this country' }]);
  }
  const email = value.email ?? principal?.email;
  if (email === undefined) {
    throw invalid([{ path: 'email', message: 'is needed for a guest' }]);
  }
  const request = inContractOrder(PurchaseRequest, { ...value, email }) as Purchase['request'];
  return {
    request,
    customer: principal?.customerId ?? null,
    key: fingerprint(`${email.normalize().toLowerCase()}\0${rawKey}`),
    text: JSON.stringify(request),
  };
}

/**
 * A validated value with its properties in the order of its schema. What is stored and what is
 * fingerprinted are both made by this function, so a new property of the contract is in both.
 * (Sorting by name would change the fingerprints of all earlier purchases.)
 */
function inContractOrder(schema: TSchema, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const { items, properties } = schema as ContractSchema;
  if (Array.isArray(value)) {
    assert(items, 'a list of the contract says what it holds');
    return value.map((each) => inContractOrder(items, each));
  }
  assert(properties, 'an object of the contract names its properties');
  const ordered: Record<string, unknown> = {};
  for (const name in properties) {
    const part = (value as Record<string, unknown>)[name];
    if (part !== undefined) ordered[name] = inContractOrder(properties[name] as TSchema, part);
  }
  return ordered;
}

interface ContractSchema {
  readonly items?: TSchema;
  readonly properties?: Readonly<Record<string, TSchema>>;
}

/**
 * The path of a string that the database refuses (NUL or half of a surrogate pair), or null. JSON
 * can contain them only as escapes. One such string would fail its whole batch.
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

/**
 * JSON of the CheckoutRequest that is stored with the checkout: usually the text that was
 * fingerprinted. For a cart its id is replaced by its lines and their version.
 */
export function checkoutRequestText(
  { request, text }: Purchase,
  lines: readonly CheckoutLine[],
  cart?: CartVersion,
): string {
  if (lines === request.lines) return text;
  const { cartId: _cartId, ...asked } = request;
  return JSON.stringify({ ...asked, lines, cart });
}
