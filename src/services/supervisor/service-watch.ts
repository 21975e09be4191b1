/**
 * Finds services that hang: alive for the system, silent for everyone who asks. Such a process is
 * killed, and the fleet starts it again as after any crash. A long garbage collection or an import
 * must not count, so it takes several missed answers in a row.
 */
import { request } from 'undici';
import type { ServiceInstance } from '../../kit/cluster/directory.ts';
import type { Log } from '../../kit/log.ts';

const everyMs = 2_000;
const deadlineMs = 1_000;
const missesMax = 3;

export interface ServiceWatchOptions {
  readonly services: () => readonly ServiceInstance[];
  readonly log: Log;
  readonly onHung: (instance: ServiceInstance) => void;
}

export class ServiceWatch {
  readonly #misses = new Map<number, number>();
  /** When others last heard them, by pid. */
  readonly #heardAt = new Map<number, number>();
  readonly #options: ServiceWatchOptions;
  readonly #timer: NodeJS.Timeout;
  #isAsking = false;
  #lastRound = performance.now();

  constructor(options: ServiceWatchOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.#round(), everyMs);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** Somebody else had an answer of it just now: it need not be asked again so soon. */
  heard({ pid }: ServiceInstance): void {
    this.#heardAt.set(pid, performance.now());
    this.#misses.delete(pid);
  }

  async #round(): Promise<void> {
    const now = performance.now();
    const wereWeAway = now - this.#lastRound > 2 * everyMs + deadlineMs;
    this.#lastRound = now;
    if (wereWeAway) this.#misses.clear();
    if (this.#isAsking) return;
    this.#isAsking = true;
    const ready = this.#options.services().filter(({ state }) => state === 'ready');
    for (const known of [this.#misses, this.#heardAt]) {
      for (const pid of known.keys()) {
        if (!ready.some((each) => each.pid === pid)) known.delete(pid);
      }
    }
    const silent = ready.filter(({ pid }) => now - (this.#heardAt.get(pid) ?? 0) >= everyMs);
    await Promise.all(silent.map((instance) => this.#ask(instance)));
    this.#isAsking = false;
  }

  async #ask(instance: ServiceInstance): Promise<void> {
    const { pid, url, id } = instance;
    try {
      const signal = AbortSignal.timeout(deadlineMs);
      const answer = await request(`${url}/healthz`, { signal });
      await answer.body.dump();
      this.#misses.delete(pid);
    } catch {
      const misses = (this.#misses.get(pid) ?? 0) + 1;
      this.#misses.set(pid, misses);
      if (misses < missesMax) return;
      this.#misses.delete(pid);
      this.#options.log.warn({ service: id, pid, misses }, 'hangs; it is killed');
      this.#options.onHung(instance);
    }
  }
}
