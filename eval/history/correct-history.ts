/**
 * Histories in which every promise was kept, for the tests of the checker: fast-check draws a few
 * purchases, and from them follows all that clients saw and the databases hold.
 */
import fc from 'fast-check';
import type { CheckoutLine, SoldLine } from '../../src/shop/checkout.ts';
import type { OrderState } from '../../src/shop/order.ts';
import type {
  ClientAnswer,
  ClientOperation,
  History,
  PendingFollowUp,
  ReservedLine,
} from './history.ts';

type Fate = OrderState | 'sold-out' | 'payment-declined' | 'expired' | 'queued';

interface Purchase {
  readonly lines: readonly CheckoutLine[];
  readonly fate: Fate;
  /** The answers that its client got, in turn. */
  readonly answers: readonly ('unknown' | 'accepted' | 'outcome')[];
  /** Whether what follows from its fate is already carried out. */
  readonly carriedOut: boolean;
}

const skus = ['BEAR', 'KITE', 'YOYO'] as const;
const prices: Readonly<Record<string, number>> = { BEAR: 1_299, KITE: 2_450, YOYO: 300 };

const fates: readonly Fate[] = [
  'placed',
  'fulfilled',
  'cancelled',
  'refunded',
  'sold-out',
  'payment-declined',
  'expired',
  'queued',
];

const purchase: fc.Arbitrary<Purchase> = fc.record({
  lines: fc
    .subarray([...skus], { minLength: 1 })
    .chain((chosen) =>
      fc.tuple(
        ...chosen.map((sku) =>
          fc.record({ sku: fc.constant(sku), quantity: fc.integer({ min: 1, max: 5 }) }),
        ),
      ),
    ),
  fate: fc.constantFrom(...fates),
  answers: fc.array(fc.constantFrom('unknown', 'accepted', 'outcome'), { maxLength: 4 }),
  carriedOut: fc.boolean(),
});

export const correctHistory: fc.Arbitrary<History> = fc
  .tuple(fc.array(purchase, { maxLength: 12 }), fc.nat(20))
  .map(([purchases, spare]) => historyOf(purchases, spare));

/** `spare` units of each SKU are left over. Number n is purchase n - 1. */
export function historyOf(purchases: readonly Purchase[], spare: number): History {
  const stories = purchases.map((each, index) => storyOf(each, index + 1));
  const reservations = stories.flatMap((story) => story.reservations);
  const stock = skus.map((sku) => ({ sku, available: spare }));
  const movements = skus.flatMap((sku) => {
    const taken = reservations.filter((line) => line.sku === sku && line.state === 'taken');
    const units = taken.reduce((sum, line) => sum + line.quantity, 0);
    return [
      { sku, quantity: units + spare + 3 },
      { sku, quantity: -3 },
    ];
  });
  return {
    operations: stories.flatMap((story) => story.operations),
    records: {
      accepted: stories.map((story) => story.accepted),
      queued: stories.flatMap((story) => (story.fate === 'queued' ? [story.accepted.id] : [])),
      orders: stories.flatMap((story) => story.orders),
      rejections: stories.flatMap((story) => story.rejections),
      followUps: stories.flatMap((story) => story.followUps),
      stock,
      movements,
      reservations,
      payments: stories.flatMap((story) => story.payments),
    },
  };
}

function storyOf({ lines, fate, answers, carriedOut }: Purchase, seq: number) {
  const id = `checkout-${seq}`;
  const key = `key-${seq}`;
  const sold = lines.map(({ sku, quantity }): SoldLine => {
    return { sku, title: sku, quantity, unitPrice: prices[sku] as number };
  });
  const total = sold.reduce((sum, line) => sum + line.quantity * line.unitPrice, 0);
  const isOrder = ['placed', 'fulfilled', 'cancelled', 'refunded'].includes(fate);
  const gaveUp = fate === 'cancelled' || fate === 'payment-declined' || fate === 'expired';
  const isReserved = isOrder || fate !== 'sold-out';
  const state: ReservedLine['state'] = gaveUp && carriedOut ? 'released' : 'taken';
  const order = { number: seq, checkoutId: id, total };
  const wasPaid = fate !== 'sold-out' && fate !== 'payment-declined';
  const paysBack = fate === 'cancelled' || fate === 'refunded' || fate === 'expired';
  return {
    fate,
    accepted: { id, key, seq, lines, expectedTotal: null, cart: null },
    orders: isOrder
      ? [{ ...order, lines: sold, state: fate as OrderState, unitsReleased: gaveUp }]
      : [],
    rejections: isOrder || fate === 'queued' ? [] : [{ seq, checkoutId: id, reason: fate }],
    followUps: carriedOut ? [] : followUpsOf(id, gaveUp, paysBack, isOrder),
    reservations: isReserved
      ? sold.map(({ sku, quantity, unitPrice }): ReservedLine => {
          return { checkoutId: id, sku, quantity, unitPrice, state, counted: true };
        })
      : [],
    payments: wasPaid
      ? [{ key: id, captured: total, returned: paysBack && carriedOut ? total : 0 }]
      : [],
    operations: answers.map((what, turn): ClientOperation => {
      const sentAt = seq * 1_000 + turn * 10;
      const answer = answerOf(what, fate, order, isOrder);
      return { key, lines, sentAt, answeredAt: sentAt + 5, answer };
    }),
  };
}

function followUpsOf(
  checkoutId: string,
  gaveUp: boolean,
  paysBack: boolean,
  isOrder: boolean,
): PendingFollowUp[] {
  return [
    ...(gaveUp ? [{ checkoutId, kind: 'release' as const }] : []),
    ...(paysBack ? [{ checkoutId, kind: isOrder ? ('refund' as const) : ('void' as const) }] : []),
  ];
}

function answerOf(
  what: Purchase['answers'][number],
  fate: Fate,
  order: { readonly checkoutId: string; readonly number: number; readonly total: number },
  isOrder: boolean,
): ClientAnswer {
  const { checkoutId } = order;
  if (what === 'unknown') return { kind: 'unknown' };
  if (what === 'accepted' || fate === 'queued') return { kind: 'accepted', checkoutId };
  if (isOrder) return { kind: 'placed', ...order };
  return { kind: 'rejected', checkoutId, reason: fate };
}
