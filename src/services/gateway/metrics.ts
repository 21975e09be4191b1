/** Prometheus figures of the gateway. Counted where it happens as plain numbers, read here. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Doorway } from './doorway.ts';
import type { Freshness } from './freshness.ts';
import type { LoadShedder } from './load-shedder.ts';

export interface Measured {
  readonly freshness: Freshness;
  readonly shedder: LoadShedder;
  readonly doorway: Doorway;
}

const prefix = 'doorbuster_gateway';

export class RequestMetrics {
  readonly #requests: Counter<'route' | 'status'>;
  readonly #seconds: Histogram<'route'>;
  /** Named once: naming the labels anew was 3 % of what a purchase costs here. */
  readonly #counters = new Map<string, Counter.Internal>();
  readonly #timers = new Map<string, Histogram.Internal<'route'>>();
  /** Since the start. */
  total = 0;

  constructor(register: Registry) {
    this.#requests = new Counter({
      name: `${prefix}_requests_total`,
      help: 'requests that were not answered from the cache at once, by route and status class',
      labelNames: ['route', 'status'],
      registers: [register],
    });
    this.#seconds = new Histogram({
      name: `${prefix}_request_seconds`,
      help: 'time to the end of the answer, of requests not answered from the cache at once',
      labelNames: ['route'],
      buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
      registers: [register],
    });
  }

  record(route: string, status: number, milliseconds: number): void {
    this.total += 1;
    const statusClass = Math.floor(status / 100);
    this.#counterOf(route, statusClass).inc();
    this.#timerOf(route).observe(milliseconds / 1_000);
  }

  #counterOf(route: string, statusClass: number): Counter.Internal {
    const key = `${route} ${statusClass}`;
    const known = this.#counters.get(key);
    if (known !== undefined) return known;
    const counter = this.#requests.labels(route, `${statusClass}xx`);
    this.#counters.set(key, counter);
    return counter;
  }

  #timerOf(route: string): Histogram.Internal<'route'> {
    const known = this.#timers.get(route);
    if (known !== undefined) return known;
    const timer = this.#seconds.labels(route);
    this.#timers.set(route, timer);
    return timer;
  }
}

function gauge(register: Registry, name: string, help: string, read: () => number): void {
  new Gauge({
    name: `${prefix}_${name}`,
    help,
    registers: [register],
    collect() {
      this.set(read());
    },
  });
}

export function exportFigures(register: Registry, measured: Measured): void {
  const { freshness, shedder, doorway } = measured;
  const { cache } = freshness.reads;
  gauge(register, 'cache_hits_total', 'answers from the cache', () => freshness.reads.hits);
  gauge(register, 'cache_last_known_total', 'answers from before the catalog went away', () => {
    return freshness.reads.lastKnown;
  });
  gauge(register, 'cache_bytes', 'bytes that kept answers may occupy', () => cache.bytes);
  gauge(register, 'cache_entries', 'answers kept', () => cache.size);
  for (const name of Object.keys(cache.counts) as (keyof typeof cache.counts)[]) {
    gauge(register, `cache_${name}_total`, `${name} of the cache`, () => cache.counts[name]);
  }
  const { sampler, stream } = freshness;
  gauge(register, 'sampler_samples_total', 'kept answers compared with the truth', () => {
    return sampler.counts.samples;
  });
  gauge(register, 'stale_answers_total', 'stale answers that the sampler found: must be 0', () => {
    return sampler.counts.stale;
  });
  gauge(register, 'stream_live', '1 while changes are heard', () => (stream.isLive() ? 1 : 0));
  gauge(register, 'stream_sessions_total', 'streams of changes begun', () => {
    return stream.counts.sessions;
  });
  gauge(register, 'loop_lateness_ms', 'how late the event loop runs', () => shedder.latenessMs);
  gauge(register, 'strangers', 'connections without a whole request', () => doorway.strangers);
  gauge(register, 'strangers_evicted_total', 'connections cut for others', () => doorway.evicted);
  new Gauge({
    name: `${prefix}_shed_total`,
    help: 'requests refused for load, by importance',
    labelNames: ['importance'],
    registers: [register],
    collect() {
      for (const [importance, count] of Object.entries(shedder.shed)) {
        this.set({ importance }, count);
      }
    },
  });
  new Gauge({
    name: `${prefix}_in_flight_limit`,
    help: 'adaptive limit by kind of work',
    labelNames: ['kind'],
    registers: [register],
    collect() {
      for (const { kind, limit } of shedder.kinds()) this.set({ kind }, limit);
    },
  });
}
