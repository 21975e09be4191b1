/**
 * Finds services that hang: alive for the system, silent for everyone who asks. Such a process is
 * killed, and the fleet starts it again as after any crash.
 *
 * One that is stopped (SIGSTOP) is seen in the process table, twice in a row, so that a debugger
 * may stop it for a moment. Of the others several answers in a row must be missing. How many, the
 * system says: a process that sleeps has nothing to do but to answer; one that computes, or waits
 * for a processor or a disk, is late for a reason (garbage collection, an import, a crowded
 * machine) and gets more time.
 */
import { request } from 'undici';
import type { ServiceInstance } from '../../kit/cluster/directory.ts';
import type { Log } from '../../kit/log.ts';
import { type Glance, glanceAt } from './process-table.ts';

const everyMs = 1_000;
/** Whoever answered somebody within this is not asked. */
const askAfterMs = 2_000;
const deadlineMs = 1_000;
const missesMax = { asleep: 2, working: 5 } as const;

type Glances = ReadonlyMap<number, Glance>;

export interface ServiceWatchOptions {
  readonly services: () => readonly ServiceInstance[];
  readonly log: Log;
  readonly onHung: (instance: ServiceInstance) => void;
  /** Tests play the process table. */
  readonly glance?: (pids: readonly number[]) => Glances;
}

export class ServiceWatch {
  readonly #misses = new Map<number, number>();
  /** When each last answered, by pid. */
  readonly #answeredAt = new Map<number, number>();
  readonly #options: ServiceWatchOptions;
  readonly #glance: (pids: readonly number[]) => Glances;
  readonly #timer: NodeJS.Timeout;
  #glances: Glances = new Map();
  #isAsking = false;
  #lastRound = performance.now();

  constructor(options: ServiceWatchOptions) {
    this.#options = options;
    this.#glance = options.glance ?? glanceAt;
    this.#timer = setInterval(() => void this.#round(), everyMs);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** Somebody else had an answer of it just now: it need not be asked again so soon. */
  answered({ pid }: ServiceInstance): void {
    this.#answeredAt.set(pid, performance.now());
    this.#misses.delete(pid);
  }

  async #round(): Promise<void> {
    const now = performance.now();
    const wereWeAway = now - this.#lastRound > 3 * everyMs;
    this.#lastRound = now;
    if (wereWeAway) this.#misses.clear();
    const ready = this.#options.services().filter(({ state }) => state === 'ready');
    const glances = this.#glance(ready.map(({ pid }) => pid));
    const wasStopped = ({ pid }: ServiceInstance): boolean =>
      !wereWeAway && this.#glances.get(pid)?.state === 'stopped';
    const isStopped = ({ pid }: ServiceInstance): boolean => glances.get(pid)?.state === 'stopped';
    const hung = ready.filter((each) => isStopped(each) && wasStopped(each));
    this.#glances = glances;
    for (const each of hung) this.#hangs(each, 'it is stopped');
    if (this.#isAsking) return;
    this.#isAsking = true;
    for (const known of [this.#misses, this.#answeredAt]) {
      for (const pid of known.keys()) {
        if (!ready.some((each) => each.pid === pid)) known.delete(pid);
      }
    }
    const isSilent = ({ pid }: ServiceInstance): boolean =>
      now - (this.#answeredAt.get(pid) ?? 0) >= askAfterMs;
    const asked = ready.filter((each) => isSilent(each) && !isStopped(each));
    await Promise.all(asked.map((instance) => this.#ask(instance)));
    this.#isAsking = false;
  }

  async #ask(instance: ServiceInstance): Promise<void> {
    const { pid, url } = instance;
    const before = this.#glances.get(pid);
    try {
      const signal = AbortSignal.timeout(deadlineMs);
      const answer = await request(`${url}/healthz`, { signal });
      await answer.body.dump();
      this.answered(instance);
    } catch {
      const misses = (this.#misses.get(pid) ?? 0) + 1;
      this.#misses.set(pid, misses);
      const after = this.#glance([pid]).get(pid);
      const works = after?.state === 'working' || after?.cpuMs !== before?.cpuMs;
      if (misses < missesMax[works ? 'working' : 'asleep']) return;
      this.#hangs(instance, `it did not answer ${misses} times in a row`);
    }
  }

  #hangs(instance: ServiceInstance, why: string): void {
    this.#misses.delete(instance.pid);
    this.#options.log.warn(
      { service: instance.id, pid: instance.pid },
      `hangs: ${why}; it is killed`,
    );
    this.#options.onHung(instance);
  }
}
