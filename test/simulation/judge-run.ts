/**
 * What a run must show beyond what the history checker judges: what the gateways answered, carts,
 * and that nobody is held up or refused without a cause where nothing fails.
 */
import {
  acknowledgedCheckout,
  type ClientAnswer,
  type ClientOperation,
} from '../../eval/history/history.ts';
import type { Violation } from '../../eval/history/violation.ts';
import type { Scenario } from './scenario.ts';
import { isRefusal } from './simulated-client.ts';
import type { SimulatedOrders } from './simulated-orders.ts';

/** A slow payment, the polls of an idle worker, and some; less than one ask without an answer. */
const honestWaitMsMax = 4_500;
/**
 * A key that one gateway had accepted is known to the others a message later, so a buyer who asks
 * another one within this time may get the answer of a new buyer.
 */
const keyKnownMs = 2_000;
/** By the stream, or by the poll of the outcome board. */
const outcomeKnownMs = 1_500;

const causes = [
  'sold-out',
  'unknown-sku',
  'payment-declined',
  'price-changed',
  'cart-already-bought',
];

export interface Run {
  readonly mode: Scenario['mode'];
  readonly operations: readonly ClientOperation[];
  readonly orders: SimulatedOrders;
  readonly books: Awaited<ReturnType<SimulatedOrders['inspect']>>;
  /** Versions of carts. */
  readonly emptied: ReadonlySet<string>;
}

export function judgeRun(run: Run): Violation[] {
  const always = [...judgeRefusals(run), ...judgeCarts(run)];
  if (run.mode === 'troubled') return always;
  const waits = run.mode === 'attacked' ? judgeWaits(run) : [];
  return [...always, ...waits, ...judgeCauses(run), ...judgeHeldAnswers(run), ...judgeLeases(run)];
}

/** Whoever got an answer with a checkout is never answered that there is none. */
function judgeRefusals({ operations }: Run): Violation[] {
  const known = new Map<string, number>();
  for (const { key, answeredAt, answer } of operations) {
    if (acknowledgedCheckout(answer) === null) continue;
    known.set(key, Math.min(known.get(key) ?? Infinity, answeredAt));
  }
  return operations.flatMap(({ key, sentAt, answer }): Violation[] => {
    if (!isRefusal(answer) || sentAt < (known.get(key) ?? Infinity) + keyKnownMs) return [];
    const detail = `was answered ${reasonOf(answer)}, though its checkout was accepted before`;
    return [{ kind: 'key-answered-differently', subject: key, detail }];
  });
}

/** A cart is emptied when it was bought, and only then. */
function judgeCarts({ books: { accepted, orders }, emptied }: Run): Violation[] {
  const placed = new Set(orders.map(({ checkoutId }) => checkoutId));
  const bought = new Set(accepted.flatMap(({ id, cart }) => (placed.has(id) ? [cart] : [])));
  bought.delete(null);
  return [...bought.symmetricDifference(emptied as ReadonlySet<string | null>)].map((cart) => {
    const detail = emptied.has(cart ?? '') ? 'emptied, not bought' : 'bought, not emptied';
    return { kind: 'stuck', subject: cart ?? '', detail };
  });
}

/** Payments of others that are never answered keep no honest buyer waiting. */
function judgeWaits({ orders, books: { dead } }: Run): Violation[] {
  return [...orders.waits].flatMap(([subject, ms]): Violation[] => {
    if (dead.has(subject) || ms <= honestWaitMsMax) return [];
    return [{ kind: 'stuck', subject, detail: `waited ${Math.round(ms)} ms beside an attack` }];
  });
}

/** Nobody is refused or rejected without a cause. */
function judgeCauses({ operations, books: { rejections, poisoned, dead } }: Run): Violation[] {
  const violations: Violation[] = [];
  for (const { checkoutId: subject, reason } of rejections) {
    if (causes.includes(reason) || poisoned.has(subject)) continue;
    if (dead.has(subject) && reason === 'payment-timeout') continue;
    const detail = `rejected as ${reason}, though nothing was wrong with it`;
    violations.push({ kind: 'lost', subject, detail });
  }
  for (const { key, answer } of operations) {
    if (answer.kind !== 'unknown' && answer.kind !== 'refused') continue;
    const reason = reasonOf(answer);
    if (isRefusal(answer) || reason === 'too-many-checkouts') continue;
    const detail = `was answered ${reason}, though nothing failed`;
    violations.push({ kind: 'lost', subject: key, detail });
  }
  return violations;
}

/** Whoever waits for an outcome gets it when it is there, not when they ask again. */
function judgeHeldAnswers({ operations, orders: { decidedAt } }: Run): Violation[] {
  return operations.flatMap(({ answer, answeredAt }): Violation[] => {
    if (answer.kind !== 'accepted') return [];
    const subject = answer.checkoutId;
    const lateMs = answeredAt - (decidedAt.get(subject) ?? Infinity);
    if (lateMs <= outcomeKnownMs) return [];
    const detail = `was called undecided ${Math.round(lateMs)} ms after it was decided`;
    return [{ kind: 'stuck', subject, detail }];
  });
}

/** No work is done twice. */
function judgeLeases({ mode, orders: { attemptsMax } }: Run): Violation[] {
  if (mode !== 'calm' || attemptsMax <= 1) return [];
  const detail = `a checkout was claimed ${attemptsMax} times, though nobody died`;
  return [{ kind: 'doubled', subject: 'lease', detail }];
}

function reasonOf(answer: ClientAnswer): string {
  return answer.kind === 'refused' ? answer.reason : answer.kind;
}
