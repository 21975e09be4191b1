/** Judges the stock: every unit is accounted for, and taken by exactly one order. */
import { type History, holdsStock, type ReservedLine, type ShopRecords } from './history.ts';
import type { Violation } from './violation.ts';

export function checkStock({ records }: History): Violation[] {
  return [...checkEquation(records), ...checkOwners(records), ...checkOrders(records)];
}

/**
 * For each SKU that is counted: initial + restocked + released - taken = available, and never < 0.
 */
function checkEquation({ stock, movements, reservations }: ShopRecords): Violation[] {
  const brought = new Map<string, number>();
  for (const { sku, quantity } of movements) brought.set(sku, (brought.get(sku) ?? 0) + quantity);
  const taken = new Map<string, number>();
  for (const { sku, quantity, state, counted } of reservations) {
    if (state === 'taken' && counted) taken.set(sku, (taken.get(sku) ?? 0) + quantity);
  }
  return stock.flatMap(({ sku, available }): Violation[] => {
    const violations: Violation[] = [];
    const all = brought.get(sku) ?? 0;
    const gone = taken.get(sku) ?? 0;
    if (available < 0 || gone > all) {
      const detail = `${gone} taken of ${all}, ${available} left`;
      violations.push({ kind: 'oversold', subject: sku, detail });
    }
    if (all - gone !== available) {
      const detail = `${all} brought in, ${gone} taken, but ${available} left`;
      violations.push({ kind: 'stock-equation', subject: sku, detail });
    }
    return violations;
  });
}

/** What is taken belongs to an order, to a checkout still queued, or to a release still to come. */
function checkOwners({ reservations, orders, queued, followUps }: ShopRecords): Violation[] {
  const owners = new Set([
    ...orders.filter(holdsStock).map((each) => each.checkoutId),
    ...queued,
    ...followUps.filter((each) => each.kind === 'release').map((each) => each.checkoutId),
  ]);
  return reservations.flatMap(({ checkoutId, sku, quantity, state }): Violation[] => {
    if (state === 'released' || owners.has(checkoutId)) return [];
    const detail = `${quantity} ${sku} taken, for no order`;
    return [{ kind: 'reservation-without-order', subject: checkoutId, detail }];
  });
}

/** Every line of an order has exactly one taken reservation, of its quantity and price. */
function checkOrders({ reservations, orders }: ShopRecords): Violation[] {
  const taken = new Map<string, ReservedLine[]>();
  for (const line of reservations) {
    if (line.state !== 'taken') continue;
    const known = taken.get(line.checkoutId);
    if (known === undefined) taken.set(line.checkoutId, [line]);
    else known.push(line);
  }
  return orders.filter(holdsStock).flatMap(({ checkoutId, number, lines }): Violation[] => {
    const held = taken.get(checkoutId) ?? [];
    const violations: Violation[] = [];
    const missing = (detail: string): void => {
      violations.push({ kind: 'order-without-reservation', subject: checkoutId, detail });
    };
    for (const { sku, quantity, unitPrice } of lines) {
      const found = held.filter((each) => each.sku === sku);
      const sum = found.reduce((units, each) => units + each.quantity, 0);
      if (found.length !== 1 || sum !== quantity) {
        missing(`order ${number} has ${quantity} ${sku}, reserved are ${sum}`);
      } else if (found[0]?.unitPrice !== unitPrice) {
        const detail = `${sku} sold for ${unitPrice}, reserved for ${found[0]?.unitPrice}`;
        violations.push({ kind: 'wrong-price', subject: checkoutId, detail });
      }
    }
    const sold = new Set(lines.map((line) => line.sku));
    for (const { sku } of held) if (!sold.has(sku)) missing(`${sku} is reserved, but not sold`);
    return violations;
  });
}
