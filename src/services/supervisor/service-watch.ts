/**
 * Finds services that hang: their process lives, but answers nobody. Such a process is killed, and
 * the fleet starts it again as after any crash.
 *
 * A process that is stopped (SIGSTOP) shows as such in the process table. It is killed when it does
 * so twice in a row: a debugger may stop it for a moment. Any other process is killed when several
 * answers in a row are missing. How many depends on its state: a process that sleeps has nothing to
 * do but to answer; one that computes, or waits for a processor or a disk, has a reason to be late
 * (garbage collection, an import, a busy machine) and gets more time.
 */
import { request } from 'undici';
import type { ServiceInstance } from '../../kit/cluster/directory.ts';
import type { Log } from '../../kit/log.ts';
import { activitiesOf, type ProcessActivity } from './process-table.ts';

const everyMs = 1_000;
/** A service that answered any request within this time is not asked. */
const askAfterMs = 2_000;
const deadlineMs = 1_000;
const missesMax = { asleep: 2, working: 5 } as const;

type Activities = ReadonlyMap<number, ProcessActivity>;

export interface ServiceWatchOptions {
  readonly services: () => readonly ServiceInstance[];
  readonly log: Log;
  readonly onHung: (instance: ServiceInstance) => void;
  /** Reads the process table; tests replace it. */
  readonly activitiesOf?: (pids: readonly number[]) => Activities;
}

export class ServiceWatch {
  readonly #misses = new Map<number, number>();
  /** When each last answered, by pid. */
  readonly #answeredAt = new Map<number, number>();
  readonly #options: ServiceWatchOptions;
  readonly #activitiesOf: (pids: readonly number[]) => Activities;
  readonly #timer: NodeJS.Timeout;
  #activities: Activities = new Map();
  #isAsking = false;
  #lastRound = performance.now();

  constructor(options: ServiceWatchOptions) {
    this.#options = options;
    this.#activitiesOf = options.activitiesOf ?? activitiesOf;
    this.#timer = setInterval(() => void this.#round(), everyMs);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** It has just answered another request: it need not be asked again so soon. */
  answered({ pid }: ServiceInstance): void {
    this.#answeredAt.set(pid, performance.now());
    this.#misses.delete(pid);
  }

  async #round(): Promise<void> {
    const now = performance.now();
    const wasPaused = now - this.#lastRound > 3 * everyMs;
    this.#lastRound = now;
    if (wasPaused) this.#misses.clear();
    const ready = this.#options.services().filter(({ state }) => state === 'ready');
    const activities = this.#activitiesOf(ready.map(({ pid }) => pid));
    const wasStopped = ({ pid }: ServiceInstance): boolean =>
      !wasPaused && this.#activities.get(pid)?.state === 'stopped';
    const isStopped = ({ pid }: ServiceInstance): boolean =>
      activities.get(pid)?.state === 'stopped';
    const hung = ready.filter((each) => isStopped(each) && wasStopped(each));
    this.#activities = activities;
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
    const before = this.#activities.get(pid);
    try {
      const signal = AbortSignal.timeout(deadlineMs);
      const answer = await request(`${url}/healthz`, { signal });
      await answer.body.dump();
      this.answered(instance);
    } catch {
      const misses = (this.#misses.get(pid) ?? 0) + 1;
      this.#misses.set(pid, misses);
      const after = this.#activitiesOf([pid]).get(pid);
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
