/**
 * Notices when more workers stopped helping, because something behind them is the limit.
 *
 * While workers are saturated (as many wait as there are workers) and their number stays the same,
 * their throughput is measured. A measurement with fewer workers, made shortly before, gives the
 * throughput of one worker; the throughput now divided by that is how many of the present workers
 * are useful. When too many are not, the limit is the useful number and a quarter more: a
 * measurement of some seconds is not more exact, and with one worker too few the queue grows. Then
 * the limit is tested: with fewer workers the throughput must stay what it was, or the limit is
 * dropped. After a while the limit ends, because the cause may have ended; it may be found again.
 *
 * Never a limit: a throughput that *fell* by much. Then the world changed between the two
 * measurements (a payment provider became slow), they cannot be compared, and a limit would hold
 * us small just when the backlog must be worked off.
 */

export interface HelpfulLimitTunables {
  /** How long a number of workers must be saturated before its throughput is believed. */
  readonly measureMs: number;
  /** How long a measurement can be compared with a later one. */
  readonly rememberMs: number;
  /** The least share of the workers that must be useful, 0 to 1. */
  readonly usefulShareMin: number;
  readonly limitHoldMs: number;
}

interface Throughput {
  readonly servers: number;
  readonly perSecond: number;
  readonly at: number;
}

/** A number of workers under measurement, until the last observation with the same number. */
interface Measuring {
  readonly servers: number;
  readonly since: number;
  readonly doneAtStart: number;
  readonly until: number;
  readonly doneUntil: number;
}

export interface HelpfulLimit {
  readonly measuring: Measuring | null;
  readonly measured: readonly Throughput[];
  readonly limit: { servers: number; perSecond: number; until: number } | null;
}

export const noHelpfulLimit: HelpfulLimit = { measuring: null, measured: [], limit: null };

/** Below this share of the earlier throughput two measurements are of different worlds. */
const comparableShareMin = 0.8;

/** The limit, in times the useful number. */
const limitFactor = 1.25;

/** A number of workers that was left after this part of the measuring time still counts. */
const shortMeasureShare = 0.25;

export function recordThroughput(
  known: HelpfulLimit,
  seen: { readonly servers: number; readonly saturated: boolean; readonly doneTotal: number },
  now: number,
  tunables: HelpfulLimitTunables,
): HelpfulLimit {
  const limit = known.limit !== null && now < known.limit.until ? known.limit : null;
  const current = limit === known.limit ? known : { ...known, limit };
  const { servers, doneTotal, saturated } = seen;
  const blank: Measuring | null = saturated
    ? { servers, since: now, doneAtStart: doneTotal, until: now, doneUntil: doneTotal }
    : null;
  const { measuring } = known;
  if (measuring === null) return blank === null ? current : { ...current, measuring: blank };
  const changed = !saturated || measuring.servers !== servers;
  // The work since the last observation may be that of another number of workers: it is left out.
  const latest = changed ? measuring : { ...measuring, until: now, doneUntil: doneTotal };
  const lastedMs = latest.until - latest.since;
  const neededMs = changed ? tunables.measureMs * shortMeasureShare : tunables.measureMs;
  if (lastedMs < neededMs) return { ...current, measuring: changed ? blank : latest };
  const perSecond = (latest.doneUntil - latest.doneAtStart) / (lastedMs / 1000);
  const fresh = { servers: latest.servers, perSecond, at: now };
  return judge({ ...current, measuring: blank }, fresh, tunables);
}

function judge(
  known: HelpfulLimit,
  fresh: Throughput,
  tunables: HelpfulLimitTunables,
): HelpfulLimit {
  const earlier = known.measured.filter(
    (each) => each.at > fresh.at - tunables.rememberMs && each.servers !== fresh.servers,
  );
  const measured = [...earlier, fresh];
  const { limit } = known;
  if (limit === null) return { ...known, measured, limit: findLimit(earlier, fresh, tunables) };
  const wrong =
    fresh.servers <= limit.servers && fresh.perSecond < limit.perSecond * comparableShareMin;
  return { ...known, measured: wrong ? [fresh] : measured, limit: wrong ? null : limit };
}

function findLimit(
  earlier: readonly Throughput[],
  fresh: Throughput,
  tunables: HelpfulLimitTunables,
): HelpfulLimit['limit'] {
  let lowest: HelpfulLimit['limit'] = null;
  for (const each of earlier) {
    if (each.servers >= fresh.servers || each.perSecond <= 0) continue;
    if (fresh.perSecond < each.perSecond * comparableShareMin) continue;
    const useful = fresh.perSecond / (each.perSecond / each.servers);
    if (useful >= fresh.servers * tunables.usefulShareMin) continue;
    const servers = Math.max(each.servers, Math.round(useful * limitFactor));
    if (lowest !== null && lowest.servers <= servers) continue;
    const until = fresh.at + tunables.limitHoldMs;
    lowest = { servers, perSecond: fresh.perSecond, until };
  }
  return lowest;
}
