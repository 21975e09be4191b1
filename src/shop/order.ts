/** The life of an order after it was placed. The table is the only place that allows a change. */
export type OrderState = 'placed' | 'fulfilled' | 'cancelled' | 'refunded';

const allowed: Readonly<Record<OrderState, readonly OrderState[]>> = {
  placed: ['fulfilled', 'cancelled', 'refunded'],
  fulfilled: ['refunded'],
  cancelled: [],
  refunded: [],
};

export type OrderAction = 'fulfil' | 'cancel' | 'refund';

const target: Readonly<Record<OrderAction, OrderState>> = {
  fulfil: 'fulfilled',
  cancel: 'cancelled',
  refund: 'refunded',
};

/** What must follow the change, carried out through the outbox until done. */
export interface OrderChange {
  readonly to: OrderState;
  readonly releasesStock: boolean;
  readonly refunds: boolean;
}

/** The change that an action makes, or null where the table does not allow it. */
export function changeOrder(from: OrderState, action: OrderAction): OrderChange | null {
  const to = target[action];
  if (!allowed[from].includes(to)) return null;
  // what was never sent is still in the shop, so its money and its units go back together
  return {
    to,
    releasesStock: from === 'placed' && to !== 'fulfilled',
    refunds: to !== 'fulfilled',
  };
}
