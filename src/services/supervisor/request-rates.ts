/**
 * Requests a second of each service (of a worker: checkouts decided), from the counts that it gives
 * at `/internal/load`.
 */
import type { ServiceInstance } from '../../kit/cluster/directory.ts';
import type { Ask, Load } from './scaling-observer.ts';

interface Sample {
  readonly at: number;
  readonly total: number;
  readonly rate: number;
}

export class RequestRates {
  readonly #ask: Ask;
  readonly #samples = new Map<number, Sample>();

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  rateOf(pid: number): number {
    return this.#samples.get(pid)?.rate ?? 0;
  }

  /** Reads every count again; `now` in milliseconds. Services that do not answer have no rate. */
  async refresh(services: readonly ServiceInstance[], now: number): Promise<void> {
    const living = new Set(services.map(({ pid }) => pid));
    for (const pid of this.#samples.keys()) if (!living.has(pid)) this.#samples.delete(pid);
    await Promise.all(services.map((service) => this.#refreshOne(service, now)));
  }

  async #refreshOne(service: ServiceInstance, now: number): Promise<void> {
    const { pid, url, state } = service;
    if (state === 'starting' || url === '') return;
    const load = await this.#ask<Load>(service, '/internal/load');
    const before = this.#samples.get(pid);
    if (load === null) {
      if (before !== undefined) this.#samples.set(pid, { ...before, rate: 0 });
      return;
    }
    const total = load.done ?? load.requests;
    const seconds = Math.max(0.001, (now - (before?.at ?? now)) / 1_000);
    const rate = before === undefined ? 0 : Math.max(0, total - before.total) / seconds;
    this.#samples.set(pid, { at: now, total, rate });
  }
}
