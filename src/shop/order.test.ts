import { describe, expect, it } from 'vitest';
import { changeOrder, type OrderAction, type OrderState } from './order.ts';

const states: readonly OrderState[] = ['placed', 'fulfilled', 'cancelled', 'refunded'];
const actions: readonly OrderAction[] = ['fulfil', 'cancel', 'refund'];

describe('an order', () => {
  it('that is placed can be fulfilled, which moves neither stock nor money', () => {
    expect(changeOrder('placed', 'fulfil')).toEqual({
      ...{ to: 'fulfilled', releasesStock: false, refunds: false },
    });
  });

  it('that is cancelled gives its stock and its money back', () => {
    expect(changeOrder('placed', 'cancel')).toEqual({
      ...{ to: 'cancelled', releasesStock: true, refunds: true },
    });
  });

  it('can be refunded before and after it was sent: only unsent units go back into stock', () => {
    expect(changeOrder('placed', 'refund')).toEqual({
      ...{ to: 'refunded', releasesStock: true, refunds: true },
    });
    expect(changeOrder('fulfilled', 'refund')).toEqual({
      ...{ to: 'refunded', releasesStock: false, refunds: true },
    });
  });

  it('changes in no other way', () => {
    const allowed = states.flatMap((from) =>
      actions.flatMap((action) =>
        changeOrder(from, action) === null ? [] : [`${from} ${action}`],
      ),
    );
    expect(allowed).toEqual([
      'placed fulfil',
      'placed cancel',
      'placed refund',
      'fulfilled refund',
    ]);
  });

  it('gives its money back once at most, whatever is done to it', () => {
    const refundsFrom = (from: OrderState): number =>
      Math.max(
        0,
        ...actions.map((action) => {
          const change = changeOrder(from, action);
          return change === null ? 0 : Number(change.refunds) + refundsFrom(change.to);
        }),
      );
    expect(refundsFrom('placed')).toBe(1);
  });
});
