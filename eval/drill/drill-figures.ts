/** What a drill's raw records come to: rates and latencies over time, gaps, recoveries. */
import type { DrillResult } from './drill-run.ts';
import type { FaultMark } from './fault-run.ts';
import {
  durationOf,
  type Ending,
  endedAt,
  endingOf,
  type PurchaseRecord,
  startedAt,
} from './purchase-record.ts';

const bucketMs = 1_000;

/** One second of the drill. Latencies in milliseconds, null where nobody was served. */
export interface Second {
  readonly placed: number;
  readonly otherEndings: number;
  /** Attempts that brought no final answer and were repeated. */
  readonly repeated: number;
  readonly median: number | null;
  readonly worst: number | null;
}

export interface Recovery {
  readonly mark: FaultMark;
  /** From the fault to the first order of a shopper who came after it, ms; null: never. */
  readonly firstOrderMs: number | null;
  /** From the fault to the moment when another leader was published, ms; null: none was. */
  readonly newLeaderMs: number | null;
  /** Longest time without any order from the fault until the next one, ms. */
  readonly gapMs: number;
  readonly wholeMs: number | null;
}

export interface DrillFigures {
  readonly seconds: readonly Second[];
  readonly endings: Readonly<Record<Ending, number>>;
  readonly attempts: Readonly<Record<string, number>>;
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly worstMs: number;
  readonly longestGapMs: number;
  readonly recoveries: readonly Recovery[];
}

export function figuresOf(result: DrillResult): DrillFigures {
  const { purchases, startedAt: from, endedAt: until } = result;
  const placed = purchases.filter((each) => endingOf(each) === 'placed');
  const durations = placed.map(durationOf).sort((a, b) => a - b);
  const orderTimes = placed.map(({ attempts }) => endedAt(attempts)).sort((a, b) => a - b);
  const endings = { placed: 0, rejected: 0, refused: 0, unanswered: 0 };
  for (const each of purchases) endings[endingOf(each)] += 1;
  return {
    seconds: secondsOf(purchases, from, until),
    endings,
    attempts: countAttempts(purchases),
    medianMs: percentile(durations, 0.5),
    p99Ms: percentile(durations, 0.99),
    worstMs: durations.at(-1) ?? Number.NaN,
    longestGapMs: longestGap(orderTimes, from, until),
    recoveries: recoveriesOf(result, placed, orderTimes),
  };
}

/** Nearest rank, of sorted values. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

function countAttempts(purchases: readonly PurchaseRecord[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { attempts } of purchases) {
    for (const { status, answer } of attempts) {
      const name = `${status === 0 ? 'no answer' : status} (${answer.kind})`;
      counts[name] = (counts[name] ?? 0) + 1;
    }
  }
  return counts;
}

function secondsOf(purchases: readonly PurchaseRecord[], from: number, until: number): Second[] {
  const count = Math.max(1, Math.ceil((until - from) / bucketMs));
  const buckets = Array.from({ length: count }, () => ({
    latencies: [] as number[],
    otherEndings: 0,
    repeated: 0,
  }));
  const bucketAt = (time: number) => buckets[Math.floor((time - from) / bucketMs)];
  for (const purchase of purchases) {
    const last = bucketAt(endedAt(purchase.attempts));
    if (endingOf(purchase) === 'placed') last?.latencies.push(durationOf(purchase));
    else if (last !== undefined) last.otherEndings += 1;
    for (const { answeredAt } of purchase.attempts.slice(0, -1)) {
      const bucket = bucketAt(answeredAt);
      if (bucket !== undefined) bucket.repeated += 1;
    }
  }
  return buckets.map(({ latencies, otherEndings, repeated }) => {
    const sorted = latencies.sort((a, b) => a - b);
    return {
      placed: sorted.length,
      otherEndings,
      repeated,
      median: sorted.length === 0 ? null : percentile(sorted, 0.5),
      worst: sorted.at(-1) ?? null,
    };
  });
}

/** Longest time without an order between `from` and `until`. `times` are sorted. */
function longestGap(times: readonly number[], from: number, until: number): number {
  let last = from;
  let longest = 0;
  for (const time of times) {
    if (time < from) continue;
    if (time > until) break;
    longest = Math.max(longest, time - last);
    last = time;
  }
  return Math.max(longest, until - last);
}

function recoveriesOf(
  { marks, diary, endedAt: end }: DrillResult,
  placed: readonly PurchaseRecord[],
  orderTimes: readonly number[],
): Recovery[] {
  return marks.map((mark, index) => {
    const { inflictedAt, healthyAt } = mark;
    const next = marks[index + 1]?.inflictedAt ?? end;
    let first = Number.POSITIVE_INFINITY;
    for (const { attempts } of placed) {
      if (startedAt(attempts) >= inflictedAt) first = Math.min(first, endedAt(attempts));
    }
    const before = diary.findLast((entry) => entry.at <= inflictedAt)?.epoch ?? 0;
    const published = diary.find(
      ({ at, leader, epoch }) => at > inflictedAt && at < next && leader !== null && epoch > before,
    );
    return {
      mark,
      firstOrderMs: Number.isFinite(first) ? first - inflictedAt : null,
      newLeaderMs: published === undefined ? null : published.at - inflictedAt,
      gapMs: longestGap(orderTimes, inflictedAt, next),
      wholeMs: healthyAt === null ? null : healthyAt - inflictedAt,
    };
  });
}
