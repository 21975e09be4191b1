/** Carts over HTTP: the hot path of every shopper. Calls of one moment share their statements. */

import type { FastifyInstance } from 'fastify';
import {
  type Cart,
  claimCart as claimCartEndpoint,
  createCart,
  getCart,
  getOwnCart,
  putCartLine,
} from '../../api/cart.ts';
import { cartsToBuy, emptyBoughtCarts } from '../../api/internal/customers-routes.ts';
import type { Clock } from '../../kit/clock.ts';
import type { Database } from '../../kit/database/postgres.ts';
import { gather } from '../../kit/gather.ts';
import { type Principal, principalOf, requireCustomer } from '../../kit/http/principal.ts';
import { notFound, Problem, unavailable } from '../../kit/http/problem.ts';
import { serve, serveBundled } from '../../kit/http/route.ts';
import { type CartLine, cartLinesMax, priceCart, snapshotOf } from '../../shop/cart.ts';
import type { CartIds } from './cart-id.ts';
import {
  changeQuantity,
  claimCart,
  createOwnedCart,
  emptyCarts,
  findCarts,
  findCartsToBuy,
  findLatestCart,
  type LineEdit,
  putLines,
  removeLine,
  type StoredCart,
} from './cart-store.ts';

import { signedOut } from './identity.ts';
import type { OfferLookup } from './offer-lookup.ts';

const gathered = { batchMax: 100 };

export interface CartParts {
  readonly database: Database;
  readonly offers: OfferLookup;
  readonly ids: CartIds;
  readonly clock: Clock;
}

/** What all calls share. */
interface SharedCartParts extends CartParts {
  readonly find: (key: string) => Promise<StoredCart | null>;
  readonly put: (edit: LineEdit) => Promise<StoredCart | null>;
}

/** Of all that this service answers: it belongs to one person. */
export const privateAnswer = { 'cache-control': 'no-store' };

export function addCartRoutes(app: FastifyInstance, given: CartParts): void {
  const { database, ids, clock } = given;
  const parts: SharedCartParts = {
    ...given,
    find: gather((keys) => findCarts(database, keys), gathered),
    put: gather((edits) => putLines(database, edits), gathered),
  };

  serveBundled(app, createCart, privateAnswer, async (call) => {
    const principal = principalOf(call);
    const id = ids.issue(clock.now());
    if (principal !== null) {
      await createOwnedCart(database, keyOf(ids, id), principal.customerId);
    }
    const headers = { location: `/api/carts/${id}` };
    return { status: 201, headers, body: await view(parts, id, []) };
  });

  serveBundled(app, getOwnCart, privateAnswer, async (call) => {
    const { customerId } = requireCustomer(call);
    const cart = await findLatestCart(database, customerId);
    if (cart === null) throw notFound('You have no cart yet: POST /api/carts makes one');
    return { body: await view(parts, ids.idOf(cart.key), cart.lines) };
  });

  serveBundled(app, getCart, privateAnswer, async (call) => {
    const { id } = call.params;
    const cart = await readable(parts, id, principalOf(call));
    return { body: await view(parts, id, cart?.lines ?? []) };
  });

  serveBundled(app, putCartLine, privateAnswer, async (call) => {
    const { id, sku } = call.params;
    const { quantity } = call.body;
    const edit = { id, sku, quantity, principal: principalOf(call) };
    const lines = quantity === 0 ? await remove(parts, edit) : await put(parts, edit);
    return { body: await view(parts, id, lines) };
  });

  serveBundled(app, claimCartEndpoint, privateAnswer, async (call) => {
    const { customerId } = requireCustomer(call);
    const guestKey = keyOf(ids, call.params.id);
    const freshKey = keyOf(ids, ids.issue(clock.now()));
    const cart = await claimCart(database, { guestKey, freshKey, customerId });
    if (cart === null) throw signedOut();
    return { body: await view(parts, ids.idOf(cart.key), cart.lines) };
  });

  addInternalCartRoutes(app, parts);
}

/** For purchases: the gateway checks whose cart is bought, a worker empties it afterwards. */
function addInternalCartRoutes(app: FastifyInstance, { database, ids }: CartParts): void {
  serve(app, cartsToBuy, async (request) => {
    const keys = request.body.ids.map((id) => ids.keyOf(id));
    const asked = keys.filter((key) => key !== null);
    const found = await findCartsToBuy(database, asked);
    const carts = keys.map((key) => {
      if (key === null) return null; // the shop never gave this id out
      const cart = found.get(key);
      if (cart === undefined) return { customerId: null, lines: [], cart: null };
      const lines = cart.lines.map(({ sku, quantity }) => ({ sku, quantity }));
      const { customerId, version } = cart;
      return { customerId, lines, cart: { key, version } };
    });
    return { carts };
  });

  serve(app, emptyBoughtCarts, async (request) => {
    await emptyCarts(database, request.body.carts);
    return {};
  });
}

function noSuchCart(): Problem {
  return notFound('There is no such cart, or it is not yours');
}

function keyOf(ids: CartIds, id: string): string {
  const key = ids.keyOf(id);
  if (key === null) throw noSuchCart();
  return key;
}

/** The stored cart, or null for one that is still empty. Throws Problem 404. */
async function readable(
  { find, ids }: SharedCartParts,
  id: string,
  principal: Principal | null,
): Promise<StoredCart | null> {
  const cart = await find(keyOf(ids, id));
  const owner = cart?.customerId ?? null;
  if (owner !== null && owner !== principal?.customerId) throw noSuchCart();
  return cart;
}

interface Edit {
  readonly id: string;
  readonly sku: string;
  readonly quantity: number;
  readonly principal: Principal | null;
}

async function remove(parts: SharedCartParts, edit: Edit): Promise<readonly CartLine[]> {
  const customerId = edit.principal?.customerId ?? null;
  const key = keyOf(parts.ids, edit.id);
  const cart = await removeLine(parts.database, { key, sku: edit.sku, customerId });
  // No row was changed: the cart is empty, or another's. Rare enough for a second look.
  return (cart ?? (await readable(parts, edit.id, edit.principal)))?.lines ?? [];
}

async function put(parts: SharedCartParts, edit: Edit): Promise<readonly CartLine[]> {
  const { sku, quantity, principal } = edit;
  const customerId = principal?.customerId ?? null;
  const key = keyOf(parts.ids, edit.id);
  const knowledge = (await parts.offers.find([sku])).get(sku);
  if (knowledge?.kind === 'gone') throw unknownSku(sku);
  const offer = knowledge?.kind === 'current' ? knowledge.offer : knowledge?.last;
  if (offer == null) return requantify(parts, edit, key);
  const seen = snapshotOf(offer);
  const now = parts.clock.now();
  const cart = await parts.put({ key, sku, quantity, seen, now, customerId });
  if (cart !== null) return cart.lines;
  await readable(parts, edit.id, principal);
  throw new Problem(422, 'cart-full', 'The cart is full', {
    detail: `a cart holds at most ${cartLinesMax} different things`,
  });
}

/** The catalog cannot be asked: a line that is there may change, a new one must wait. */
async function requantify(
  parts: SharedCartParts,
  { id, sku, quantity, principal }: Edit,
  key: string,
): Promise<readonly CartLine[]> {
  const customerId = principal?.customerId ?? null;
  const cart = await changeQuantity(parts.database, { key, sku, quantity, customerId });
  if (cart !== null) return cart.lines;
  await readable(parts, id, principal);
  throw unavailable('the catalog cannot be asked about this product now');
}

function unknownSku(sku: string): Problem {
  const errors = [{ path: 'params/sku', message: 'is not sold here' }];
  const detail = `there is no product with the SKU ${JSON.stringify(sku)}`;
  return new Problem(422, 'unknown-sku', 'Unknown SKU', { detail, sku, errors });
}

async function view(parts: CartParts, id: string, lines: readonly CartLine[]): Promise<Cart> {
  const knowledge = await parts.offers.find(lines.map((line) => line.sku));
  const { lines: priced, subtotal } = priceCart(lines, knowledge);
  return { id, lines: [...priced] as Cart['lines'], subtotal };
}
