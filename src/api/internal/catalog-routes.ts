/** What the other services ask of the catalog: stock, variants, changes, and its audit. */
import Type from 'typebox';
import { cartLinesMax, lineQuantityMax, type Offer } from '../../shop/cart.ts';
import type { CheckoutLine, SoldLine } from '../../shop/checkout.ts';
import type { IntegrityReport } from '../integrity.ts';
import { Sku } from '../order.ts';
import { internalRoute } from './internal-route.ts';

const batchMax = 4_000;
const skusMax = 1_000;
const CheckoutId = Type.String({
  pattern: '^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$',
});

export interface ReserveRequest {
  readonly checkoutId: string;
  readonly lines: readonly CheckoutLine[];
}

export type ReserveOutcome =
  | {
      readonly checkoutId: string;
      readonly kind: 'reserved';
      readonly lines: readonly SoldLine[];
      readonly total: number;
      readonly currency: string;
    }
  | {
      readonly checkoutId: string;
      readonly kind: 'refused';
      readonly reason: 'sold-out' | 'unknown-sku' | 'released';
      readonly sku: string;
      readonly available: number;
    };

/** All lines of a checkout or none, in order; a repeated checkout gets its first answer. */
export const reserveStock = internalRoute<{ readonly outcomes: readonly ReserveOutcome[] }>()({
  role: 'catalog',
  method: 'POST',
  path: '/internal/reserve',
  body: Type.Object({
    batch: Type.Array(
      Type.Object({
        checkoutId: CheckoutId,
        lines: Type.Array(
          Type.Object({
            sku: Sku,
            quantity: Type.Integer({ minimum: 1, maximum: lineQuantityMax * cartLinesMax }),
          }),
          { minItems: 1, maxItems: cartLinesMax },
        ),
      }),
      { maxItems: batchMax },
    ),
  }),
});

/** Gives back what the checkouts took, or makes sure that a late reserve takes nothing. */
export const releaseStock = internalRoute<Record<never, never>>()({
  role: 'catalog',
  method: 'POST',
  path: '/internal/release',
  body: Type.Object({ checkoutIds: Type.Array(CheckoutId, { maxItems: batchMax }) }),
});

export interface VariantFigure extends Offer {
  readonly version: number;
}

/** What carts and gateways ask about SKUs. Those that cannot be bought are absent. */
export const variantFigures = internalRoute<{ readonly variants: readonly VariantFigure[] }>()({
  role: 'catalog',
  method: 'POST',
  path: '/internal/variants',
  body: Type.Object({ skus: Type.Array(Sku, { maxItems: skusMax }) }),
});

/** The stock's half of the integrity report. */
export const stockIntegrity = internalRoute<IntegrityReport>()({
  role: 'catalog',
  method: 'GET',
  path: '/internal/integrity',
});

export interface TakenReservation {
  readonly checkoutId: string;
  readonly line: number;
  readonly sku: string;
  readonly quantity: number;
  readonly unitPrice: number;
}

/** Reservations that hold stock now, by checkout and line; `after` is a page's `next`, or empty. */
export const takenReservations = internalRoute<{
  readonly items: readonly TakenReservation[];
  readonly next: string | null;
}>()({
  role: 'catalog',
  method: 'GET',
  path: '/internal/reservations',
  query: Type.Object({
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000 })),
    after: Type.Optional(Type.String({ maxLength: 100 })),
  }),
});

/** An endless NDJSON answer: what changed, as a gateway's cache needs it. */
export const invalidations = internalRoute<never>()({
  role: 'catalog',
  method: 'GET',
  path: '/internal/invalidations',
});
