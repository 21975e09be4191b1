/**
 * What this tab remembers until it closes: the attempt to buy that is under way, and what was
 * typed into the checkout, so that a refusal does not cost a second typing.
 */
import type { PurchaseAttempt } from './purchase-attempt.ts';

export interface CheckoutDraft {
  readonly email: string;
  readonly name: string;
  readonly line1: string;
  readonly line2: string;
  readonly city: string;
  readonly region: string;
  readonly postalCode: string;
  readonly country: string;
  readonly token: string;
}

const attemptKey = 'doorbuster.attempt';
const draftKey = 'doorbuster.draft';

/** Storage may be switched off or hold what another version wrote: then there is nothing. */
function read<T>(storage: () => Storage, key: string): T | null {
  try {
    const text = storage().getItem(key);
    return text === null ? null : (JSON.parse(text) as T);
  } catch {
    return null;
  }
}

/** Returns whether it could be kept. */
function write(storage: () => Storage, key: string, value: unknown): boolean {
  try {
    if (value === null) storage().removeItem(key);
    else storage().setItem(key, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}

const session = () => window.sessionStorage;
const local = () => window.localStorage;

export const readAttempt = () => read<PurchaseAttempt>(session, attemptKey);
export const keepAttempt = (attempt: PurchaseAttempt | null) => write(session, attemptKey, attempt);
export const readDraft = () => read<Partial<CheckoutDraft>>(session, draftKey);
export const keepDraft = (draft: CheckoutDraft | null) => write(session, draftKey, draft);

/** The way back to a guest's orders, kept on this device. The token is the only way in. */
export interface OrderTicket {
  readonly number: string;
  readonly token: string;
  readonly placedAt: string;
}

const ticketsKey = 'doorbuster.orders';
const ticketsMax = 20;

export const readTickets = () => read<OrderTicket[]>(local, ticketsKey) ?? [];

export function keepTicket({ number, token, placedAt }: OrderTicket): void {
  const others = readTickets().filter((ticket) => ticket.number !== number);
  write(local, ticketsKey, [{ number, token, placedAt }, ...others].slice(0, ticketsMax));
}

/** The cart's secret id and how many pieces are in it, so that a header needs no request. */
export interface CartTicket {
  readonly id: string;
  readonly count: number;
}

const cartKey = 'doorbuster.cart';
export const cartChanged = 'doorbuster:cart';

export const readCartTicket = () => read<CartTicket>(local, cartKey);

export function keepCartTicket(ticket: CartTicket | null): void {
  write(local, cartKey, ticket);
  window.dispatchEvent(new CustomEvent(cartChanged));
}
