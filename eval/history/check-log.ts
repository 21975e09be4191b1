/** Judges the log: every accepted checkout is there once, in order, as its client was answered. */
import {
  type AcceptedCheckout,
  acknowledgedCheckout,
  type ClientOperation,
  type History,
  type LoggedOrder,
  type ShopRecords,
} from './history.ts';
import type { Violation, ViolationKind } from './violation.ts';

export function checkLog({ operations, records }: History): Violation[] {
  return [
    ...checkUniqueness(records),
    ...checkCompleteness(records),
    ...checkPlaces(records),
    ...checkAnswers(operations, records),
    ...checkKeys(operations),
    ...checkRealTimeOrder(operations, records),
  ];
}

function repeated<T>(items: readonly T[], nameOf: (item: T) => string | number): string[] {
  const seen = new Set<string | number>();
  const twice = new Set<string>();
  for (const item of items) {
    const name = nameOf(item);
    if (seen.has(name)) twice.add(String(name));
    seen.add(name);
  }
  return [...twice];
}

function checkUniqueness({ accepted, orders, rejections }: ShopRecords): Violation[] {
  const doubled = (subjects: readonly string[], detail: string): Violation[] =>
    subjects.map((subject) => ({ kind: 'doubled', subject, detail }));
  return [
    ...doubled(
      repeated(accepted, (each) => each.key),
      'two checkouts were accepted for one key',
    ),
    ...doubled(
      repeated(accepted, (each) => each.id),
      'one checkout was accepted twice',
    ),
    ...doubled(
      repeated(orders, (each) => each.checkoutId),
      'one checkout became two orders',
    ),
    ...doubled(
      repeated(orders, (each) => each.number),
      'two orders have one number',
    ),
    ...doubled(
      repeated(cartsOf(orders, accepted), (cart) => cart),
      'one version of a cart became two orders',
    ),
    ...doubled(
      repeated(rejections, (each) => each.checkoutId),
      'one checkout was rejected twice',
    ),
  ];
}

function cartsOf(orders: readonly LoggedOrder[], accepted: readonly AcceptedCheckout[]): string[] {
  const carts = new Map(accepted.map(({ id, cart }) => [id, cart]));
  return orders.map(({ checkoutId }) => carts.get(checkoutId) ?? '').filter((cart) => cart !== '');
}

/** Each accepted checkout is queued, an order, or rejected: exactly one of the three. */
function checkCompleteness(records: ShopRecords): Violation[] {
  const { accepted, queued, orders, rejections } = records;
  const violations: Violation[] = [];
  const places = new Map<string, string[]>(accepted.map((each) => [each.id, []]));
  const note = (id: string, place: string): void => {
    const known = places.get(id);
    if (known !== undefined) known.push(place);
    else violations.push({ kind: 'lost', subject: id, detail: `${place}, but never accepted` });
  };
  for (const id of new Set(queued)) note(id, 'queued');
  for (const id of new Set(orders.map((each) => each.checkoutId))) note(id, 'an order');
  for (const id of new Set(rejections.map((each) => each.checkoutId))) note(id, 'rejected');
  for (const [id, found] of places) {
    if (found.length === 1) continue;
    const kind = found.length === 0 ? 'lost' : 'doubled';
    const detail = found.length === 0 ? 'accepted, and nowhere now' : found.join(' and ');
    violations.push({ kind, subject: id, detail });
  }
  return violations;
}

function checkPlaces({ accepted, orders, rejections }: ShopRecords): Violation[] {
  const seqs = new Map(accepted.map((each) => [each.id, each.seq]));
  const decided = [...orders.map((each) => ({ ...each, seq: each.number })), ...rejections];
  return decided.flatMap(({ checkoutId, seq }): Violation[] => {
    const expected = seqs.get(checkoutId);
    if (expected === undefined || expected === seq) return [];
    const detail = `decided as ${seq}, though its place in the queue is ${expected}`;
    return [{ kind: 'out-of-order', subject: checkoutId, detail }];
  });
}

/** Every answer that a client got is what the log says. */
function checkAnswers(operations: readonly ClientOperation[], records: ShopRecords): Violation[] {
  const accepted = new Map(records.accepted.map((each) => [each.id, each]));
  const orders = new Map(records.orders.map((each) => [each.checkoutId, each]));
  const rejections = new Map(records.rejections.map((each) => [each.checkoutId, each]));
  return operations.flatMap((operation): Violation[] => {
    const id = acknowledgedCheckout(operation.answer);
    if (id === null) return [];
    const wrong = (kind: ViolationKind, detail: string): Violation[] => [
      { kind, subject: id, detail },
    ];
    const checkout = accepted.get(id);
    if (checkout === undefined) return wrong('lost', 'acknowledged, but not in the log');
    if (checkout.key !== operation.key) {
      return wrong(
        'key-answered-differently',
        `answered for ${operation.key}, is ${checkout.key}'s`,
      );
    }
    const order = orders.get(id);
    if (operation.answer.kind === 'placed') return checkPlaced(operation, checkout, order);
    if (operation.answer.kind === 'rejected') {
      if (order !== undefined) {
        const detail = `answered rejected, but it is order ${order.number}`;
        return wrong('key-answered-differently', detail);
      }
      const reason = rejections.get(id)?.reason;
      if (reason === operation.answer.reason) return [];
      const detail = `answered ${operation.answer.reason}, the log says ${reason ?? 'nothing'}`;
      return wrong('key-answered-differently', detail);
    }
    return [];
  });
}

function checkPlaced(
  { answer, lines }: ClientOperation,
  { id }: AcceptedCheckout,
  order: LoggedOrder | undefined,
): Violation[] {
  if (answer.kind !== 'placed') return [];
  if (order === undefined) {
    return [
      { kind: 'lost', subject: id, detail: `answered order ${answer.number}, there is none` },
    ];
  }
  const violations: Violation[] = [];
  if (order.number !== answer.number) {
    const detail = `answered order ${answer.number}, it is ${order.number}`;
    violations.push({ kind: 'key-answered-differently', subject: id, detail });
  }
  if (order.total !== answer.total) {
    const detail = `answered a total of ${answer.total}, the order says ${order.total}`;
    violations.push({ kind: 'wrong-price', subject: id, detail });
  }
  const asked = quantities(lines);
  const sold = quantities(order.lines);
  if (asked !== sold) {
    violations.push({ kind: 'wrong-price', subject: id, detail: `asked ${asked}, sold ${sold}` });
  }
  return violations;
}

function quantities(lines: readonly { sku: string; quantity: number }[]): string {
  const sums = new Map<string, number>();
  for (const { sku, quantity } of lines) sums.set(sku, (sums.get(sku) ?? 0) + quantity);
  return [...sums]
    .map(([sku, quantity]) => `${quantity} ${sku}`)
    .sort()
    .join(', ');
}

/** A key's acknowledging answers name one checkout, and its final ones say one thing. */
function checkKeys(operations: readonly ClientOperation[]): Violation[] {
  const checkouts = new Map<string, string>();
  const finals = new Map<string, string>();
  const violations: Violation[] = [];
  const compare = (said: Map<string, string>, key: string, now: string): void => {
    const before = said.get(key) ?? now;
    said.set(key, before);
    if (before === now) return;
    const detail = `first ${before}, then ${now}`;
    violations.push({ kind: 'key-answered-differently', subject: key, detail });
  };
  for (const { key, answer } of operations) {
    const id = acknowledgedCheckout(answer);
    if (id !== null) compare(checkouts, key, id);
    if (answer.kind === 'placed') compare(finals, key, `order ${answer.number}`);
    if (answer.kind === 'rejected') compare(finals, key, answer.reason);
  }
  return violations;
}

/** A checkout that was acknowledged before another was sent has an earlier place in the queue. */
function checkRealTimeOrder(
  operations: readonly ClientOperation[],
  { accepted }: ShopRecords,
): Violation[] {
  const sent = new Map<string, number>();
  const acknowledged = new Map<string, number>();
  const earliest = (times: Map<string, number>, name: string, time: number): void => {
    times.set(name, Math.min(times.get(name) ?? time, time));
  };
  for (const { key, sentAt, answeredAt, answer } of operations) {
    earliest(sent, key, sentAt);
    const id = acknowledgedCheckout(answer);
    if (id !== null) earliest(acknowledged, id, answeredAt);
  }
  const bySending = accepted
    .filter((each) => sent.has(each.key))
    .sort((a, b) => (sent.get(a.key) as number) - (sent.get(b.key) as number));
  const byAnswer = accepted
    .filter((each) => acknowledged.has(each.id))
    .sort((a, b) => (acknowledged.get(a.id) as number) - (acknowledged.get(b.id) as number));
  const violations: Violation[] = [];
  let answered = 0;
  let last = 0;
  for (const checkout of bySending) {
    for (; answered < byAnswer.length; answered += 1) {
      const before = byAnswer[answered] as AcceptedCheckout;
      if ((acknowledged.get(before.id) as number) >= (sent.get(checkout.key) as number)) break;
      last = Math.max(last, before.seq);
    }
    if (checkout.seq > last) continue;
    const detail = `has place ${checkout.seq}, but ${last} was acknowledged before it was sent`;
    violations.push({ kind: 'out-of-order', subject: checkout.id, detail });
  }
  return violations;
}
