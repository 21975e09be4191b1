/** Prometheus metrics of the gateway, read from plain numbers that its parts keep. */
import type { Registry } from 'prom-client';
import { exportFigure } from '../../../kit/exported-metric.ts';
import type { Freshness } from '../cache/open-cache.ts';
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

export function exportFigures(register: Registry, measured: Measured): void {
  const { freshness, shedder, connectionLimit, renewal } = measured;
  const { reads, sampler, stream } = freshness;
  const { cache } = reads;
  const figure = (
    name: string,
    help: string,
    read: Parameters<typeof exportFigure>[1]['read'],
    label?: string,
  ) => exportFigure(register, { name: `${prefix}_${name}`, help, read, ...(label && { label }) });
  figure('cache_hits_total', 'answers from the cache', () => reads.hits);
  figure('cache_last_known_total', 'answers sent although no catalog ran', () => reads.lastKnown);
  figure('cache_bytes', 'bytes that cached answers may occupy', () => cache.bytes);
  figure('cache_entries', 'cached answers', () => cache.size);
  for (const name of Object.keys(cache.counts) as (keyof typeof cache.counts)[]) {
    figure(`cache_${name}_total`, `${name} of the cache`, () => cache.counts[name]);
  }
  figure('sampler_samples_total', 'cached answers that were checked', () => sampler.counts.samples);
  figure('stale_answers_total', 'stale answers that the sampler found: must be 0', () => {
    return sampler.counts.stale;
  });
  figure('stream_live', '1 while changes are received', () => (stream.isLive() ? 1 : 0));
  figure('stream_sessions_total', 'streams of changes begun', () => stream.counts.sessions);
  figure('loop_lateness_seconds', 'how late the event loop runs', () => {
    return shedder.latenessMs / 1_000;
  });
  figure('idle_connections', 'connections without a whole request', () => {
    return connectionLimit.pending;
  });
  figure('idle_connections_evicted_total', 'connections cut for others', () => {
    return connectionLimit.evicted;
  });
  if (renewal !== null) {
    figure('certificate_valid_until_timestamp_seconds', 'Unix time at which it ends', () => {
      return renewal.validUntil / 1_000;
    });
  }
  const shed = () => Object.entries(shedder.shed);
  figure('shed_total', 'requests refused for load, by importance', shed, 'importance');
  figure('in_flight_limit', 'adaptive limit by kind of work', () => shedder.limits(), 'kind');
}
