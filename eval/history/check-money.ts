/** Judges the money: captured is what stands on orders, and nothing else. */
import { priceOf } from '../../src/shop/pricing.ts';
import { type History, holdsMoney, type LoggedOrder, type PaymentAccount } from './history.ts';
import type { Violation } from './violation.ts';

const noAccount = { captured: 0, returned: 0 };

export function checkMoney({ records }: History): Violation[] {
  const { accepted, orders, payments, queued, followUps } = records;
  const expected = new Map(accepted.map((each) => [each.id, each.expectedTotal]));
  const accounts = new Map(payments.map((each) => [each.key, each]));
  const pending = new Set([
    ...queued,
    ...followUps.filter((each) => each.kind !== 'release').map((each) => each.checkoutId),
  ]);
  const standing = orders.filter(holdsMoney);
  const paidFor = new Set(standing.map((each) => each.checkoutId));
  const stray = payments.filter(({ key }) => !paidFor.has(key) && !pending.has(key));
  return [
    ...standing.flatMap((order) => checkOrder(order, accounts.get(order.checkoutId) ?? noAccount)),
    ...stray.flatMap(checkStray),
    ...orders.flatMap((order) => checkExpected(order, expected.get(order.checkoutId) ?? null)),
  ];
}

function checkOrder(
  { checkoutId: subject, number, total, lines }: LoggedOrder,
  { captured, returned }: Pick<PaymentAccount, 'captured' | 'returned'>,
): Violation[] {
  const violations: Violation[] = [];
  const add = (kind: Violation['kind'], detail: string): void => {
    violations.push({ kind, subject, detail });
  };
  const sum = priceOf(lines).total;
  if (sum !== total) add('wrong-price', `order ${number}: lines make ${sum}, total is ${total}`);
  if (total === 0) return violations;
  if (captured === 0) add('uncharged', `order ${number} of ${total}: nothing captured`);
  else if (captured >= 2 * total) add('doubled', `charged ${captured} for a total of ${total}`);
  else if (captured !== total) add('wrong-price', `charged ${captured} for a total of ${total}`);
  if (captured > 0 && returned > 0) {
    add('unpaid', `order ${number} stands, but ${returned} of ${captured} was given back`);
  }
  return violations;
}

function checkExpected(order: LoggedOrder, expected: number | null): Violation[] {
  if (expected === null || order.total <= expected) return [];
  const detail = `order ${order.number} costs ${order.total}, its buyer agreed to ${expected}`;
  return [{ kind: 'wrong-price', subject: order.checkoutId, detail }];
}

function checkStray({ key, captured, returned }: PaymentAccount): Violation[] {
  if (captured === returned) return [];
  const detail = `captured ${captured}, given back ${returned}, and no order stands`;
  return [{ kind: 'charged-without-order', subject: key, detail }];
}
