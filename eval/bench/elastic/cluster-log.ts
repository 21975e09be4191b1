/** How the cluster looked while the crowd came: sampled from outside, a few times a second. */
import { readFileSync } from 'node:fs';
import type { RunningShop } from '../../cluster/running-shop.ts';

const everyMs = 100;
const cpuMsPerTick = 10;

export interface Sample {
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  readonly workersReady: number;
  readonly workersStarting: number;
  readonly depth: number;
  readonly oldestAgeSeconds: number;
  /** Processor time of the supervisor since its start. */
  readonly supervisorCpuMs: number;
}

export class ClusterLog {
  readonly samples: Sample[] = [];
  readonly #shop: RunningShop;
  readonly #headers: Readonly<Record<string, string>>;
  #timer: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(shop: RunningShop) {
    this.#shop = shop;
    this.#headers = { authorization: `Bearer ${shop.secrets().internalToken}` };
    const tick = async (): Promise<void> => {
      await this.#sample();
      if (!this.#closed) this.#timer = setTimeout(tick, everyMs);
    };
    this.#timer = setTimeout(tick, 0);
  }

  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  async #sample(): Promise<void> {
    const { services } = this.#shop.cluster();
    const workers = services.filter(({ role }) => role === 'worker');
    const orders = services.find(({ role, state }) => role === 'orders' && state === 'ready');
    if (orders === undefined) return;
    const headers = this.#headers;
    const answer = await fetch(`${orders.url}/internal/queue`, { headers }).catch(() => null);
    if (answer === null || !answer.ok) return;
    const queue = (await answer.json()) as { depth: number; oldestAgeSeconds: number };
    this.samples.push({
      at: Date.now(),
      workersReady: workers.filter(({ state }) => state === 'ready').length,
      workersStarting: workers.filter(({ state }) => state === 'starting').length,
      depth: queue.depth,
      oldestAgeSeconds: queue.oldestAgeSeconds,
      supervisorCpuMs: this.#supervisorCpuMs(),
    });
  }

  #supervisorCpuMs(): number {
    const stat = readFileSync(`/proc/${this.#shop.supervisorPid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * cpuMsPerTick;
  }
}
