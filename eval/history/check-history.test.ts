import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkHistory } from './check-history.ts';
import { correctHistory, historyOf } from './correct-history.ts';
import type { ClientOperation, History, ShopRecords } from './history.ts';
import type { ViolationKind } from './violation.ts';

const two = { sku: 'BEAR', quantity: 2 };
const one = { sku: 'KITE', quantity: 1 };

/** 1: placed, 2: declined, 3: cancelled and all carried out, 4: queued, 5: fulfilled. */
const sound = historyOf(
  [
    { lines: [two, one], fate: 'placed', answers: ['unknown', 'outcome'], carriedOut: true },
    { lines: [two], fate: 'payment-declined', answers: ['accepted', 'outcome'], carriedOut: true },
    { lines: [one], fate: 'cancelled', answers: ['outcome'], carriedOut: true },
    { lines: [one], fate: 'queued', answers: ['accepted'], carriedOut: true },
    { lines: [two], fate: 'fulfilled', answers: ['outcome'], carriedOut: true },
  ],
  7,
);

function kinds(history: History, atRest = false): ViolationKind[] {
  return [...new Set(checkHistory(history, { atRest }).map(({ kind }) => kind))].sort();
}

function withRecords(change: (records: ShopRecords) => Partial<ShopRecords>): History {
  return { ...sound, records: { ...sound.records, ...change(sound.records) } };
}

function alsoTold(operation: Pick<ClientOperation, 'key' | 'answer'>): History {
  const more = { lines: [one], sentAt: 9_000, answeredAt: 9_001, ...operation };
  return { ...sound, operations: [...sound.operations, more] };
}

describe('a history in which every promise was kept', () => {
  it('has no violations', () => {
    fc.assert(
      fc.property(correctHistory, (history) => {
        expect(checkHistory(history, { atRest: false })).toEqual([]);
      }),
    );
  });

  it('is complete only at rest', () => {
    expect(kinds(sound)).toEqual([]);
    expect(kinds(sound, true)).toEqual(['stuck']);
    const release = { checkoutId: 'checkout-2', kind: 'release' as const };
    const busy = withRecords(() => ({ queued: [], accepted: [], followUps: [release] }));
    expect(kinds(busy, true)).toContain('stuck');
  });
});

describe('a loss is found', () => {
  it('of a checkout that was acknowledged', () => {
    const answer = { kind: 'accepted' as const, checkoutId: 'checkout-99' };
    expect(kinds(alsoTold({ key: 'key-99', answer }))).toEqual(['lost']);
  });

  it('of a checkout that was accepted and is nowhere', () => {
    const gone = withRecords(() => ({ queued: [] }));
    expect(kinds(gone)).toEqual(['charged-without-order', 'lost', 'reservation-without-order']);
  });

  it('of an order whose number the client holds', () => {
    const gone = withRecords(({ orders }) => ({
      orders: orders.filter(({ number }) => number !== 5),
    }));
    expect(kinds(gone)).toEqual(['charged-without-order', 'lost', 'reservation-without-order']);
  });

  it('of a checkout behind a decision', () => {
    const gone = withRecords(({ accepted }) => ({ accepted: accepted.slice(1) }));
    expect(kinds(gone)).toEqual(['lost']);
  });
});

describe('a doubling is found', () => {
  const doubled: Readonly<Record<string, (records: ShopRecords) => Partial<ShopRecords>>> = {
    'of a key': ({ accepted }) => ({
      accepted: accepted.map((each) => ({ ...each, key: 'key-1' })),
    }),
    'of an order': ({ orders }) => ({ orders: [...orders, ...orders.slice(0, 1)] }),
    'of a number': ({ orders }) => ({ orders: orders.map((each) => ({ ...each, number: 1 })) }),
    'of a rejection': ({ rejections }) => ({ rejections: [...rejections, ...rejections] }),
    'of a decision': ({ rejections }) => ({
      rejections: [...rejections, { seq: 1, checkoutId: 'checkout-1', reason: 'expired' }],
    }),
    'of a decided checkout that is still queued': ({ queued }) => ({
      queued: [...queued, 'checkout-1'],
    }),
    'of a charge': ({ payments }) => ({
      payments: payments.map((each) =>
        each.key === 'checkout-1' ? { ...each, captured: 2 * each.captured } : each,
      ),
    }),
  };
  it.each(Object.entries(doubled))('%s', (_, change) => {
    expect(kinds(withRecords(change))).toContain('doubled');
  });
});

describe('wrong stock is found', () => {
  it('where more is taken than there was', () => {
    const bears = ({ sku }: { sku: string }): boolean => sku === 'BEAR';
    const oversold = withRecords(({ movements, stock }) => ({
      movements: movements.map((each) => (bears(each) ? { ...each, quantity: 1 } : each)),
      stock: stock.map((each) => (bears(each) ? { ...each, available: -2 } : each)),
    }));
    expect(kinds(oversold)).toEqual(['oversold']);
  });

  it('where a unit is not accounted for', () => {
    const off = withRecords(({ stock }) => ({
      stock: stock.map((each) => ({ ...each, available: each.available + 1 })),
    }));
    expect(kinds(off)).toEqual(['stock-equation']);
  });

  it('where an order has no reservation, or the wrong one', () => {
    const released = withRecords(({ reservations, stock }) => ({
      reservations: reservations.map((each) => ({ ...each, state: 'released' as const })),
      stock: stock.map(({ sku, available }) => {
        const back = sku === 'BEAR' ? 4 : sku === 'KITE' ? 2 : 0;
        return { sku, available: available + back };
      }),
    }));
    expect(kinds(released)).toEqual(['order-without-reservation']);
    const short = withRecords(({ reservations, stock }) => ({
      reservations: reservations.map((each) =>
        each.sku === 'BEAR' && each.state === 'taken' ? { ...each, quantity: 1 } : each,
      ),
      stock: stock.map((each) =>
        each.sku === 'BEAR' ? { ...each, available: each.available + 2 } : each,
      ),
    }));
    expect(kinds(short)).toEqual(['order-without-reservation']);
  });

  it('but not where nobody counts: what is sold there takes no units', () => {
    const uncounted = withRecords(({ reservations, movements }) => ({
      reservations: reservations.map((each) => ({ ...each, counted: each.sku !== 'BEAR' })),
      movements: movements.filter(({ sku }) => sku !== 'BEAR'),
      stock: sound.records.stock.filter(({ sku }) => sku !== 'BEAR'),
    }));
    expect(kinds(uncounted)).toEqual([]);
    const taken = withRecords(() => ({ ...uncounted.records, stock: sound.records.stock }));
    expect(kinds(taken)).toEqual(['stock-equation']);
  });

  it('where a reservation has no order', () => {
    const kept = withRecords(({ reservations, stock }) => ({
      reservations: reservations.map((each) => ({ ...each, state: 'taken' as const })),
      stock: stock.map(({ sku, available }) => {
        const gone = sku === 'BEAR' ? 2 : sku === 'KITE' ? 1 : 0;
        return { sku, available: available - gone };
      }),
    }));
    expect(kinds(kept)).toEqual(['reservation-without-order']);
  });
});

describe('wrong money is found', () => {
  const payment = (key: string, change: { captured?: number; returned?: number }): History =>
    withRecords(({ payments }) => ({
      payments: payments.map((each) => (each.key === key ? { ...each, ...change } : each)),
    }));

  it('where an order was never charged', () => {
    expect(kinds(withRecords(() => ({ payments: [] })))).toEqual(['uncharged']);
  });

  it('where the money of a standing order was given back', () => {
    expect(kinds(payment('checkout-5', { returned: 2_598 }))).toEqual(['unpaid']);
  });

  it('where another amount was charged', () => {
    expect(kinds(payment('checkout-5', { captured: 2_597 }))).toEqual(['wrong-price']);
  });

  it('where money was kept for a rejected, cancelled or unknown checkout', () => {
    const rejected = withRecords(({ payments }) => ({
      payments: [...payments, { key: 'checkout-2', captured: 2_598, returned: 0 }],
    }));
    expect(kinds(rejected)).toEqual(['charged-without-order']);
    expect(kinds(payment('checkout-3', { returned: 0 }))).toEqual(['charged-without-order']);
    const unknown = withRecords(({ payments }) => ({
      payments: [...payments, { key: 'checkout-77', captured: 1, returned: 0 }],
    }));
    expect(kinds(unknown)).toEqual(['charged-without-order']);
  });
});

describe('a wrong price is found', () => {
  it('where log and reservation disagree', () => {
    const dearer = withRecords(({ reservations }) => ({
      reservations: reservations.map((each) => ({ ...each, unitPrice: each.unitPrice + 1 })),
    }));
    expect(kinds(dearer)).toEqual(['wrong-price']);
  });

  it('where the sum is not the sum of the lines', () => {
    const sum = withRecords(({ orders, payments }) => ({
      orders: orders.map((each) => ({ ...each, total: each.total + 1 })),
      payments: payments.map((each) => ({ ...each, captured: each.captured + 1 })),
    }));
    expect(kinds(sum)).toContain('wrong-price');
  });

  it('where the client was answered another sum, or sold other lines than asked', () => {
    const answer = { kind: 'placed' as const, checkoutId: 'checkout-1', number: 1, total: 1 };
    expect(kinds(alsoTold({ key: 'key-1', answer }))).toEqual(['wrong-price']);
    const operations = sound.operations.map((each) => ({ ...each, lines: [one] }));
    expect(kinds({ ...sound, operations })).toEqual(['wrong-price']);
  });
});

describe('a wrong order is found', () => {
  it('where a number is not its place in the queue', () => {
    const swapped = withRecords(({ accepted }) => ({
      accepted: accepted.map((each) => ({ ...each, seq: each.seq + 1 })),
    }));
    expect(kinds(swapped)).toEqual(['out-of-order']);
  });

  it('where one who was answered first stands behind one who asked later', () => {
    const places = [4, 2, 3, 1, 5];
    const turned = withRecords(({ accepted }) => ({
      accepted: accepted.map((each, index) => ({ ...each, seq: places[index] as number })),
      orders: [],
      rejections: [],
      queued: accepted.map(({ id }) => id),
    }));
    const operations = sound.operations.filter(({ answer }) => answer.kind === 'accepted');
    expect(kinds({ operations, records: turned.records })).toEqual(['out-of-order']);
  });
});

describe('a key that is answered differently is found', () => {
  const answers: Readonly<Record<string, Pick<ClientOperation, 'key' | 'answer'>>> = {
    'with another checkout': {
      key: 'key-1',
      answer: { kind: 'accepted', checkoutId: 'checkout-4' },
    },
    'with another number': {
      key: 'key-3',
      answer: { kind: 'placed', checkoutId: 'checkout-3', number: 33, total: 2_450 },
    },
    'with a rejection of what was placed': {
      key: 'key-3',
      answer: { kind: 'rejected', checkoutId: 'checkout-3', reason: 'expired' },
    },
    'with another reason': {
      key: 'key-2',
      answer: { kind: 'rejected', checkoutId: 'checkout-2', reason: 'expired' },
    },
  };
  it.each(Object.entries(answers))('%s', (_, operation) => {
    expect(kinds(alsoTold(operation))).toContain('key-answered-differently');
  });
});
