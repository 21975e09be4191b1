/** Requests a second of each service, from the counters that it shows at /metrics. */
import { request } from 'undici';
import type { ServiceInstance } from '../../kit/directory.ts';

const deadlineMs = 800;
const counter = /^doorbuster_(?:\w+_)?(?:requests|cache_hits|pages|checkouts_decided)_total/;

interface Sample {
  readonly at: number;
  readonly total: number;
}

/** Sum of all request counters in a Prometheus text. */
export function totalOf(text: string): number {
  let total = 0;
  for (const line of text.split('\n')) {
    if (counter.test(line)) total += Number(line.slice(line.lastIndexOf(' ') + 1)) || 0;
  }
  return total;
}

export class RequestRates {
  readonly #samples = new Map<string, Sample>();
  readonly #rates = new Map<string, number>();

  rateOf(pid: number): number {
    return this.#rates.get(String(pid)) ?? 0;
  }

  /** Reads every counter once more. Services that do not answer keep no rate. */
  async refresh(services: readonly ServiceInstance[]): Promise<void> {
    const living = new Set(services.map(({ pid }) => String(pid)));
    for (const key of this.#samples.keys()) {
      if (living.has(key)) continue;
      this.#samples.delete(key);
      this.#rates.delete(key);
    }
    await Promise.all(services.map((service) => this.#refreshOne(service)));
  }

  async #refreshOne({ pid, url, state }: ServiceInstance): Promise<void> {
    if (state === 'starting' || url === '') return;
    const key = String(pid);
    try {
      const signal = AbortSignal.timeout(deadlineMs);
      const answer = await request(`${url}/metrics`, { signal });
      const total = totalOf(await answer.body.text());
      const at = performance.now();
      const before = this.#samples.get(key);
      this.#samples.set(key, { at, total });
      if (before === undefined) return;
      const seconds = Math.max(0.001, (at - before.at) / 1_000);
      this.#rates.set(key, Math.max(0, total - before.total) / seconds);
    } catch {
      this.#rates.delete(key);
    }
  }
}
