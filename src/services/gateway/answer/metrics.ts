/** Prometheus figures of the gateway. Counted where it happens as plain numbers, read here. */
import { Gauge, type Registry } from 'prom-client';
import type { Freshness } from '../cache/freshness.ts';
import type { LoadShedder } from '../forward/load-shedder.ts';
import type { CertificateRenewal } from '../listener/certificate-renewal.ts';
import type { ConnectionLimit } from '../listener/connection-limit.ts';

export interface Measured {
  readonly freshness: Freshness;
  readonly shedder: LoadShedder;
  readonly connectionLimit: ConnectionLimit;
  /** Null without TLS. */
  readonly renewal: CertificateRenewal | null;
}

const prefix = 'doorbuster_gateway';

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
  const { freshness, shedder, connectionLimit, renewal } = measured;
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
  gauge(
    register,
    'strangers',
    'connections without a whole request',
    () => connectionLimit.strangers,
  );
  gauge(
    register,
    'strangers_evicted_total',
    'connections cut for others',
    () => connectionLimit.evicted,
  );
  if (renewal !== null) {
    gauge(register, 'certificate_valid_until_seconds', 'Unix time at which it ends', () => {
      return renewal.validUntil / 1_000;
    });
  }
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
