/**
 * Requests a second of each service (of a worker: checkouts decided), from the counts that it gives
 * at `/internal/load`.
 */
import type { ServiceInstance } from '../../kit/cluster/directory.ts';
import type { Ask, Load } from './scaling-observer.ts';

interface Sample {
  readonly at: number;
  readonly total: number;
}

export class RequestRates {
  readonly #ask: Ask;
  readonly #samples = new Map<number, Sample>();
  readonly #rates = new Map<number, number>();

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  rateOf(pid: number): number {
    return this.#rates.get(pid) ?? 0;
  }

  /** Reads every count again; `now` in milliseconds. Services that do not answer have no rate. */
  async refresh(services: readonly ServiceInstance[], now: number): Promise<void> {
    const living = new Set(services.map(({ pid }) => pid));
    for (const pid of this.#samples.keys()) if (!living.has(pid)) this.#forget(pid);
    await Promise.all(services.map((service) => this.#refreshOne(service, now)));
  }

  #forget(pid: number): void {
    this.#samples.delete(pid);
    this.#rates.delete(pid);
  }

  async #refreshOne(service: ServiceInstance, now: number): Promise<void> {
    const { pid, url, state } = service;
    if (state === 'starting' || url === '') return;
    const load = await this.#ask<Load>(service, '/internal/load');
    if (load === null) {
      this.#rates.delete(pid);
      return;
    }
    const total = load.done ?? load.requests;
    const before = this.#samples.get(pid);
    this.#samples.set(pid, { at: now, total });
    if (before === undefined) return;
    const seconds = Math.max(0.001, (now - before.at) / 1_000);
    this.#rates.set(pid, Math.max(0, total - before.total) / seconds);
  }
}
