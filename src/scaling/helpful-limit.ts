/**
 * Notices when more workers stopped helping, because something behind them is the limit.
 *
 * While workers are saturated (work waits, all are busy) and their number stays the same, their
 * throughput is measured. Two such measurements at different numbers tell what each added worker
 * brought. Brought they next to nothing, then the smaller number is the limit, for a while: the
 * thing behind may recover, so the limit is forgotten and found again.
 *
 * Never a limit: a throughput that *fell* by much. Then the world changed between the two
 * measurements (a payment provider went away), they cannot be compared, and a limit would hold
 * us small just when the backlog must be worked off.
 */

export interface HelpfulLimitTunables {
  /** How long a number of workers must be saturated before its throughput is believed. */
  readonly measureMs: number;
  /** How long a measurement can be compared with a later one. */
  readonly rememberMs: number;
  /** The least share of a worker's own throughput that an added worker must bring, 0 to 1. */
  readonly gainShareMin: number;
  readonly limitHoldMs: number;
}

interface Throughput {
  readonly servers: number;
  readonly perSecond: number;
  readonly at: number;
}

export interface HelpfulLimit {
  readonly measuring: { servers: number; since: number; doneAtStart: number } | null;
  readonly measured: readonly Throughput[];
  readonly limit: { servers: number; perSecond: number; until: number } | null;
}

export const noHelpfulLimit: HelpfulLimit = { measuring: null, measured: [], limit: null };

/** Below this share of the earlier throughput two measurements are of different worlds. */
const comparableShareMin = 0.8;

export function recordThroughput(
  known: HelpfulLimit,
  seen: { readonly servers: number; readonly saturated: boolean; readonly doneTotal: number },
  now: number,
  tunables: HelpfulLimitTunables,
): HelpfulLimit {
  const limit = known.limit !== null && now < known.limit.until ? known.limit : null;
  const base = limit === known.limit ? known : { ...known, limit };
  const { measuring } = known;
  if (!seen.saturated) return measuring === null ? base : { ...base, measuring: null };
  if (measuring === null || measuring.servers !== seen.servers) {
    const start = { servers: seen.servers, since: now, doneAtStart: seen.doneTotal };
    return { ...base, measuring: start };
  }
  if (now - measuring.since < tunables.measureMs) return base;
  const perSecond = (seen.doneTotal - measuring.doneAtStart) / ((now - measuring.since) / 1000);
  const fresh = { servers: seen.servers, perSecond, at: now };
  const measured = known.measured.filter(
    (each) => each.at > now - tunables.rememberMs && each.servers !== seen.servers,
  );
  return {
    measuring: { servers: seen.servers, since: now, doneAtStart: seen.doneTotal },
    measured: [...measured, fresh],
    limit: limit ?? findLimit(measured, fresh, now, tunables),
  };
}

function findLimit(
  earlier: readonly Throughput[],
  fresh: Throughput,
  now: number,
  tunables: HelpfulLimitTunables,
): HelpfulLimit['limit'] {
  let lowest: HelpfulLimit['limit'] = null;
  for (const each of earlier) {
    if (each.servers >= fresh.servers || each.perSecond <= 0) continue;
    if (fresh.perSecond < each.perSecond * comparableShareMin) continue;
    const ownShare = each.perSecond / each.servers;
    const gainEach = (fresh.perSecond - each.perSecond) / (fresh.servers - each.servers);
    if (gainEach >= ownShare * tunables.gainShareMin) continue;
    if (lowest !== null && lowest.servers <= each.servers) continue;
    const until = now + tunables.limitHoldMs;
    lowest = { servers: each.servers, perSecond: each.perSecond, until };
  }
  return lowest;
}
