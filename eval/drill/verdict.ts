/** Judges a shop after a drill: by what its clients saw, what it holds, and what it says itself. */
import { checkHistory } from '../history/check-history.ts';
import type { Violation } from '../history/violation.ts';
import { type CopiesReport, compareCopies } from './copies.ts';
import type { DrilledShop } from './drilled-shop.ts';
import { untilAtRest, untilHealthy } from './health.ts';
import { endingOf, type PurchaseRecord } from './purchase-record.ts';
import { operationsOf, readLedgerFile, readShopRecords } from './shop-records.ts';
import { asSuperuser } from './superuser.ts';

const healthyMsMax = 120_000;
const restMsMax = 120_000;

interface IntegrityAnswer {
  readonly holds: boolean;
  readonly invariants: readonly {
    readonly name: string;
    readonly holds: boolean;
    readonly figures: Readonly<Record<string, number>>;
    readonly violations: readonly string[];
  }[];
}

export interface Verdict {
  readonly violations: readonly Violation[];
  readonly copies: CopiesReport;
  readonly integrity: IntegrityAnswer;
  /** Purchases whose shoppers got no final answer though they kept asking. */
  readonly unanswered: number;
  /** Purchases in ample stock with good payment that ended otherwise than placed, by reason. */
  readonly disappointed: Readonly<Record<string, number>>;
  readonly isClean: boolean;
}

export interface VerdictOptions {
  /** Reasons that a fault of this drill excuses, e.g. `payment-timeout`. */
  readonly excused: readonly string[];
}

/** Waits until the shop is whole and at rest, then looks at everything. */
export async function judge(
  shop: DrilledShop,
  purchases: readonly PurchaseRecord[],
  { excused }: VerdictOptions,
): Promise<Verdict> {
  await untilHealthy(shop, healthyMsMax);
  await untilAtRest(shop, restMsMax);
  const { leader, followers } = shop.cluster.database;
  if (leader === null) throw new Error('the leader is gone again');
  const access = shop.superuser;
  const payments = readLedgerFile(shop.paymentLedgerFile);
  const records = await asSuperuser(leader, 'orders', access, (orders) =>
    asSuperuser(leader, 'catalog', access, (catalog) => readShopRecords(orders, catalog, payments)),
  );
  const operations = operationsOf(purchases);
  const violations = checkHistory({ operations, records }, { atRest: true });
  const copies = await compareCopies(leader, followers, access);
  const owner = await shop.owner();
  const { body: integrity } = await owner.call<IntegrityAnswer>('/api/admin/integrity');
  const unanswered = purchases.filter((each) => endingOf(each) === 'unanswered').length;
  const disappointed = disappointments(purchases, excused);
  const isClean =
    violations.length === 0 &&
    copies.differences.length === 0 &&
    integrity.holds === true &&
    unanswered === 0 &&
    Object.keys(disappointed).length === 0;
  return { violations, copies, integrity, unanswered, disappointed, isClean };
}

/** Who asked for what there is plenty of, with a good card, must get it. */
function disappointments(
  purchases: readonly PurchaseRecord[],
  excused: readonly string[],
): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { lines, paymentToken, attempts } of purchases) {
    const answer = attempts.at(-1)?.answer;
    const isSafe = lines.every(({ sku }) => sku.startsWith('AMPLE')) && paymentToken === 'tok_ok';
    if (!isSafe || answer === undefined || !('reason' in answer)) continue;
    if (excused.includes(answer.reason)) continue;
    counts[answer.reason] = (counts[answer.reason] ?? 0) + 1;
  }
  return counts;
}
