/** The shopper's cart: its secret id lives on this device, its content at the shop. */
import type { Cart } from '../../../src/api/cart.ts';
import { type Answer, askShop } from './ask-shop.ts';
import { keepCartTicket, readCartTicket } from './session-memory.ts';

export type CartOutcome =
  | { readonly kind: 'cart'; readonly cart: Cart }
  | { readonly kind: 'none' }
  | { readonly kind: 'failed'; readonly answer: Exclude<Answer, { kind: 'ok' }> };

const path = (id: string) => `/api/carts/${encodeURIComponent(id)}`;

function outcomeOf(answer: Answer): CartOutcome {
  if (answer.kind === 'problem' && answer.status === 404) {
    keepCartTicket(null);
    return { kind: 'none' };
  }
  if (answer.kind !== 'ok') return { kind: 'failed', answer };
  const cart = answer.body as Cart;
  const count = cart.lines.reduce((sum, line) => sum + line.quantity, 0);
  keepCartTicket({ id: cart.id, count });
  return { kind: 'cart', cart };
}

export async function loadCart(): Promise<CartOutcome> {
  const ticket = readCartTicket();
  return ticket === null ? { kind: 'none' } : outcomeOf(await askShop(path(ticket.id)));
}

export async function setQuantity(id: string, sku: string, quantity: number): Promise<CartOutcome> {
  const line = `${path(id)}/lines/${encodeURIComponent(sku)}`;
  return outcomeOf(await askShop(line, { method: 'PUT', body: { quantity } }));
}

/** Puts pieces on top of what is in the cart; makes a cart first where there is none. */
export async function addToCart(sku: string, quantity: number): Promise<CartOutcome> {
  let found = await loadCart();
  if (found.kind === 'none') {
    found = outcomeOf(await askShop('/api/carts', { method: 'POST' }));
  }
  if (found.kind !== 'cart') return found;
  const before = found.cart.lines.find((line) => line.sku === sku)?.quantity ?? 0;
  return setQuantity(found.cart.id, sku, before + quantity);
}

/** After its content was bought: the shop empties it, this device forgets it. */
export function forgetCart(): void {
  keepCartTicket(null);
}

/** After signing in: what a guest has put into the cart joins the customer's own. */
export async function claimCart(): Promise<void> {
  const ticket = readCartTicket();
  const own =
    ticket === null
      ? await askShop('/api/carts/mine')
      : await askShop(`${path(ticket.id)}/claim`, { method: 'POST' });
  outcomeOf(own);
}
