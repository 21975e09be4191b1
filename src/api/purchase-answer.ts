/**
 * The answer to a purchase, as bytes. Both ways to it (the worker's line through the gateway, and a
 * repeated key answered from the database) build it here from the same facts, so that equal
 * requests get equal answers, to the byte.
 */
import type { Decision, Rejection, SoldLine } from '../shop/checkout.ts';
import { money } from '../shop/money.ts';
import { priceOf } from '../shop/pricing.ts';
import type { CheckoutStatus, PlacedOrder, Quote } from './order.ts';

export interface PurchaseAnswer {
  readonly status: 201 | 402 | 409 | 422;
  /** Path for `Location`, or empty. */
  readonly location: string;
  readonly body: string;
}

const problemTypeRoot = 'https://doorbuster.example/problems/';

export function orderLines(lines: readonly SoldLine[], currency: string): PlacedOrder['lines'] {
  return lines.map(({ sku, title, quantity, unitPrice }) => ({
    sku,
    title,
    quantity,
    unitPrice: { amount: unitPrice, currency },
  }));
}

type Placed = Extract<Decision, { kind: 'placed' }>;

/** What anyone who knows the checkout may know of its order. `number` is the order's number. */
function placedFacts(
  checkoutId: string,
  number: number,
  decision: Placed,
): Omit<PlacedOrder, 'token'> {
  return {
    number: String(number),
    checkoutId,
    state: 'placed',
    lines: orderLines(decision.lines, decision.currency),
    total: { amount: decision.total, currency: decision.currency },
    placedAt: new Date(decision.placedAt).toISOString(),
  };
}

export function answerOf(
  checkoutId: string,
  number: number,
  token: string,
  decision: Decision,
): PurchaseAnswer {
  if (decision.kind === 'rejected') return rejectionAnswer(checkoutId, decision.rejection);
  return {
    status: 201,
    location: `/api/orders/${number}`,
    // only the answer to the buyer's own request, known by its key, opens the order
    body: JSON.stringify({ ...placedFacts(checkoutId, number, decision), token }),
  };
}

function rejectionAnswer(checkoutId: string, rejection: Rejection): PurchaseAnswer {
  const { reason } = rejection;
  const [status, title, detail] = rejectionTexts[reason];
  const problem = {
    type: problemTypeRoot + reason,
    title,
    status,
    detail,
    checkoutId,
    ...factsOf(rejection),
  };
  return { status, location: '', body: JSON.stringify(problem) };
}

/** The fields of a rejection's answer beside its reason. */
function factsOf(rejection: Rejection): object {
  const { reason: _reason, ...facts } = rejection;
  if (rejection.reason === 'cart-already-bought') {
    return { order: { number: String(rejection.order) } };
  }
  if (rejection.reason !== 'price-changed') return facts;
  return { quote: quoteOf(rejection.lines, rejection.currency) };
}

function quoteOf(sold: readonly SoldLine[], currency: string): Quote {
  const price = priceOf(sold);
  return {
    lines: price.lines.map(({ sku, title, quantity, unitPrice, lineTotal }) => ({
      sku,
      title,
      quantity,
      unitPrice: money(unitPrice, currency),
      total: money(lineTotal, currency),
    })),
    subtotal: money(price.subtotal, currency),
    total: money(price.total, currency),
  };
}

type RejectionText = readonly [PurchaseAnswer['status'], string, string];

const rejectionTexts: Readonly<Record<Rejection['reason'], RejectionText>> = {
  'sold-out': [
    409,
    'Sold out',
    'There is not enough left. Nothing was charged. Choose fewer or another item.',
  ],
  'unknown-sku': [422, 'Unknown SKU', 'The shop does not sell this SKU. Nothing was charged.'],
  'total-too-large': [
    422,
    'Too much for one order',
    'One order cannot cost this much. Nothing was charged. Order less at a time.',
  ],
  'price-changed': [
    409,
    'The price has changed',
    'It costs more than you expected; see the quote. Nothing was charged. ' +
      'To buy at this price send its total as expectedTotal, with a new key.',
  ],
  'cart-already-bought': [
    409,
    'This cart was already bought',
    'Another purchase bought this cart; see its order. Nothing was charged for this one.',
  ],
  'payment-declined': [
    402,
    'Payment declined',
    'The payment was declined and nothing was charged. Try another payment with a new key.',
  ],
  'payment-timeout': [
    402,
    'Payment unanswered',
    'The payment provider did not answer, so nothing is charged. Try again with a new key.',
  ],
  expired: [
    409,
    'Expired in the queue',
    'The checkout waited too long and was given up. Nothing was charged. Try again with a new key.',
  ],
  failed: [
    409,
    'Could not be processed',
    'This checkout failed repeatedly and was given up. Nothing was charged; the shop was told.',
  ],
};

/**
 * The answer of `GET /api/checkouts/{id}` for a decided checkout. Its id stands in addresses and
 * logs, so it does not bring the order's token.
 */
export function decidedStatus(
  checkoutId: string,
  number: number,
  decision: Decision,
): CheckoutStatus {
  if (decision.kind === 'rejected') {
    const { rejection } = decision;
    const { reason } = rejection;
    const facts = reason === 'cart-already-bought' ? {} : factsOf(rejection);
    return { id: checkoutId, state: 'rejected', reason, ...facts };
  }
  return { id: checkoutId, state: 'placed', order: placedFacts(checkoutId, number, decision) };
}

/** `id status location body`: how an outcome travels to the gateways, passed on unparsed. */
export function outcomeLine(id: string, number: number, token: string, decision: Decision): string {
  const answer = answerOf(id, number, token, decision);
  return `${id} ${answer.status} ${answer.location || '-'} ${answer.body}`;
}

const idEnd = 36;
const statusEnd = idEnd + 4;

/** Reads an `outcomeLine`. Null for a line of another kind. */
export function readOutcomeLine(line: string): { id: string; answer: PurchaseAnswer } | null {
  // `id status location body`, read by places: a gateway reads thousands a second
  if (line.charAt(idEnd) !== ' ' || line.charAt(statusEnd) !== ' ') return null;
  const status = Number(line.slice(idEnd + 1, statusEnd));
  const locationEnd = line.indexOf(' ', statusEnd + 1);
  if (!Number.isInteger(status) || locationEnd < 0) return null;
  const location = line.slice(statusEnd + 1, locationEnd);
  const answer = {
    status: status as PurchaseAnswer['status'],
    location: location === '-' ? '' : location,
    body: line.slice(locationEnd + 1),
  };
  return { id: line.slice(0, idEnd), answer };
}
