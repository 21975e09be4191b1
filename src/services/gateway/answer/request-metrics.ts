/**
 * Metrics of requests by route, status class and duration. They are counted as plain numbers and
 * become metrics when Prometheus reads them: prom-client joins the labels at every observation,
 * which was 8 % of the gateway's time per request.
 */
import { Counter, Histogram, type Registry } from 'prom-client';

const name = 'doorbuster_gateway_request_seconds';
const help = 'time to the end of the answer, of requests not answered from the cache at once';
/** Upper bounds, in seconds; the last counter is for all above. */
const buckets = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];
const statusClasses = 6;

interface Tally {
  /** By first digit of the status. */
  readonly statuses: Uint32Array;
  /** By bucket, not cumulative. */
  readonly durations: Uint32Array;
  sumSeconds: number;
}

function bucketOf(seconds: number): number {
  let at = 0;
  while (at < buckets.length && seconds > (buckets[at] as number)) at += 1;
  return at;
}

function countUp(counts: Uint32Array, at: number): void {
  counts[at] = (counts[at] as number) + 1;
}

type HistogramValues = Awaited<ReturnType<Histogram<'route'>['get']>>;

/** A histogram whose observations are counted in `tallies`. */
class TalliedHistogram extends Histogram<'route'> {
  readonly #tallies: ReadonlyMap<string, Tally>;

  constructor(tallies: ReadonlyMap<string, Tally>, register: Registry) {
    super({ name, help, labelNames: ['route'], buckets, registers: [register] });
    this.#tallies = tallies;
  }

  /** The registry calls this method where it exists, although the types do not show it. */
  getForPromString(): Promise<HistogramValues> {
    return this.get();
  }

  override async get(): Promise<HistogramValues> {
    const values = [...this.#tallies].flatMap(([route, { durations, sumSeconds }]) => {
      let count = 0;
      const bounds = [...durations].map((inBucket, at) => {
        count += inBucket;
        const labels = { route, le: buckets[at] ?? '+Inf' };
        return { metricName: `${name}_bucket`, labels, value: count };
      });
      const labels = { route };
      return [
        ...bounds,
        { metricName: `${name}_sum`, labels, value: sumSeconds },
        { metricName: `${name}_count`, labels, value: count },
      ];
    });
    // the library's enum of types exists in its declarations only
    const shown = { name, help, type: 'histogram', aggregator: 'sum', values };
    return shown as unknown as HistogramValues;
  }
}

export class RequestMetrics {
  readonly #tallies = new Map<string, Tally>();
  /** Since the start. */
  total = 0;

  constructor(register: Registry) {
    const tallies = this.#tallies;
    new TalliedHistogram(tallies, register);
    new Counter({
      name: 'doorbuster_gateway_requests_total',
      help: 'requests that were not answered from the cache at once, by route and status class',
      labelNames: ['route', 'status'],
      registers: [register],
      collect() {
        this.reset();
        for (const [route, { statuses }] of tallies) {
          for (const [first, count] of statuses.entries()) {
            if (count > 0) this.inc({ route, status: `${first}xx` }, count);
          }
        }
      },
    });
  }

  record(route: string, status: number, milliseconds: number): void {
    this.total += 1;
    const tally = this.#tallyOf(route);
    const seconds = milliseconds / 1_000;
    countUp(tally.statuses, Math.floor(status / 100));
    countUp(tally.durations, bucketOf(seconds));
    tally.sumSeconds += seconds;
  }

  #tallyOf(route: string): Tally {
    const known = this.#tallies.get(route);
    if (known !== undefined) return known;
    const tally = {
      statuses: new Uint32Array(statusClasses),
      durations: new Uint32Array(buckets.length + 1),
      sumSeconds: 0,
    };
    this.#tallies.set(route, tally);
    return tally;
  }
}
