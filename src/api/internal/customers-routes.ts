/** What the gateway asks of the customers service. */
import Type from 'typebox';
import type { CartVersion, CheckoutLine } from '../../shop/checkout.ts';
import { internalRoute } from './internal-route.ts';

const cartsMax = 1_000;
export const sessionsAskedMax = 100;

export interface LivingSession {
  /** Whose the session is now. */
  readonly principal: {
    readonly customerId: string;
    readonly email: string;
    readonly role: 'customer' | 'staff' | 'owner';
    readonly sessionId?: string | undefined;
  };
  /** A fresh token, where it was asked for. */
  readonly token: string | null;
}

/** In the order of the question; null for a session that has ended. */
export const findLivingSessions = internalRoute<{
  readonly sessions: readonly (LivingSession | null)[];
}>()({
  role: 'customers',
  method: 'POST',
  path: '/internal/sessions/living',
  body: Type.Object({
    asked: Type.Array(
      Type.Object({
        sessionId: Type.String({ pattern: '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$' }),
        /** Whether it is to live on from now, and a fresh token is wanted. */
        renew: Type.Boolean(),
      }),
      { maxItems: sessionsAskedMax },
    ),
  }),
});

export interface CartToBuy {
  readonly customerId: string | null;
  readonly lines: readonly CheckoutLine[];
  /** Null for a cart that is still empty. */
  readonly cart: CartVersion | null;
}

/** In the order of the question; null for an id that the shop never gave out. */
export const cartsToBuy = internalRoute<{ readonly carts: readonly (CartToBuy | null)[] }>()({
  role: 'customers',
  method: 'POST',
  path: '/internal/carts',
  body: Type.Object({
    ids: Type.Array(Type.String({ maxLength: 100 }), { maxItems: cartsMax }),
  }),
});

const Uuid = Type.String({ format: 'uuid' });

/** After these versions were bought. A cart that was changed since keeps its lines. */
export const emptyBoughtCarts = internalRoute<Record<never, never>>()({
  role: 'customers',
  method: 'POST',
  path: '/internal/carts/empty',
  body: Type.Object({
    carts: Type.Array(Type.Object({ key: Uuid, version: Uuid }), { maxItems: cartsMax }),
  }),
});
