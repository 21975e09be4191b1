/**
 * How long the queue is and how fast it moves, cheaply. Counting a million rows four times a second
 * is not cheap, so the depth is the distance from the oldest free place to the newest place: both
 * are one index probe. Places that were claimed or decided out of order in between count too, so
 * the figure is an upper bound, exact while workers claim in order. Checkouts whose payment was not
 * answered do not count: they wait for their provider and delay no other checkout.
 */
import type { QueueFigures } from '../../api/internal/orders-routes.ts';
import type { Database } from '../../kit/database/postgres.ts';
import { uuidTime } from '../../kit/uuid-v7.ts';

export const emptyFigures: QueueFigures = {
  depth: 0,
  head: 1,
  oldestAgeSeconds: 0,
  arrivalsPerSecond: 0,
  servicePerSecond: 0,
};

interface Probe {
  readonly head: number | null;
  readonly headId: string | null;
  readonly tail: number;
}

const probeSql = `
select h.seq as head, h.checkout_id as "headId", coalesce(t.seq, 0) as tail
from (select 1) as one
left join lateral (
  select seq, checkout_id from queue
  where claim_token is null and unanswered = 0 and seq >= $1 order by seq limit 1) h on true
left join lateral (select last_value as seq from checkouts_seq_seq) t on true`;

/** Weight of the newest second in the moving averages. */
const smoothing = 0.4;
/** A full walk from the very first row is needed only to find what was given back. */
const fullWalkMs = 2_000;

interface Sample {
  readonly at: number;
  readonly tail: number;
  readonly depth: number;
}

/** Pure: the next figures from the last ones and a probe. `now` in milliseconds. */
export function nextFigures(
  before: QueueFigures,
  last: Sample | null,
  probe: Probe,
  now: number,
): QueueFigures {
  const depth = probe.head === null ? 0 : probe.tail - probe.head + 1;
  const age = probe.headId === null ? 0 : Math.max(0, now - uuidTime(probe.headId)) / 1_000;
  const head = probe.head ?? probe.tail + 1;
  if (last === null) return { ...before, depth, head, oldestAgeSeconds: age };
  const seconds = Math.max(0.001, (now - last.at) / 1_000);
  const arrivals = Math.max(0, probe.tail - last.tail) / seconds;
  const served = Math.max(0, probe.tail - last.tail - (depth - last.depth)) / seconds;
  const weight = 1 - (1 - smoothing) ** seconds;
  return {
    depth,
    head,
    oldestAgeSeconds: age,
    arrivalsPerSecond: before.arrivalsPerSecond + weight * (arrivals - before.arrivalsPerSecond),
    servicePerSecond: before.servicePerSecond + weight * (served - before.servicePerSecond),
  };
}

export class QueueMeter {
  readonly #database: Database;
  #last: Sample | null = null;
  #walkFrom = 0;
  #fullWalkAt = 0;
  figures: QueueFigures = emptyFigures;

  constructor(database: Database) {
    this.#database = database;
  }

  async sample(now: number): Promise<QueueFigures> {
    const full = now - this.#fullWalkAt >= fullWalkMs;
    if (full) this.#fullWalkAt = now;
    const from = full ? 0 : this.#walkFrom;
    const [probe] = await this.#database.query<Probe>(probeSql, [from]);
    if (probe === undefined) return this.figures;
    this.figures = nextFigures(this.figures, this.#last, probe, now);
    this.#last = { at: now, tail: probe.tail, depth: this.figures.depth };
    this.#walkFrom = probe.head ?? probe.tail;
    return this.figures;
  }
}
