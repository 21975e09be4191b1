/**
 * Simulated time: what happens next happens at once, and nothing happens in between.
 *
 * The code under test runs on real promises. After each event every continuation that can run is
 * run (one turn of the real event loop), before the clock moves on. So one seed gives one history,
 * and a process can be killed between any two events: at any of its await points.
 */
import { EventQueue } from '../../eval/scaling/event-queue.ts';

export class Scheduler {
  readonly #events = new EventQueue();
  readonly #runs = new Map<number, () => void>();
  readonly #outside = new Set<Promise<unknown>>();
  #lastId = 0;
  /** Milliseconds since the Unix epoch. */
  now: number;
  eventCount = 0;

  constructor(now: number) {
    this.now = now;
  }

  /** Runs once after `ms`, unless the returned function is called before. */
  after(ms: number, run: () => void): () => void {
    this.#lastId += 1;
    const id = this.#lastId;
    this.#runs.set(id, run);
    this.#events.push(this.now + Math.max(0, ms), id);
    return () => {
      this.#runs.delete(id);
    };
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(ms, resolve);
    });
  }

  /** Work of the real world, e.g. of a database: no simulated time passes until it is done. */
  outside<T>(work: Promise<T>): Promise<T> {
    this.#outside.add(work);
    const done = (): void => void this.#outside.delete(work);
    work.then(done, done);
    return work;
  }

  /** Runs events until `isOver` says so, there is none left, or the clock has reached `until`. */
  async run(until: number, isOver: () => boolean = () => false): Promise<void> {
    await this.#settle(); // whatever was started before the first event
    while (this.#events.size > 0 && this.#events.nextTime() <= until && !isOver()) {
      const at = this.#events.nextTime();
      const id = this.#events.pop();
      const run = this.#runs.get(id);
      if (run === undefined) continue;
      this.#runs.delete(id);
      this.now = at;
      this.eventCount += 1;
      run();
      await this.#settle();
    }
  }

  async #settle(): Promise<void> {
    await turn();
    while (this.#outside.size > 0) {
      await Promise.allSettled(this.#outside);
      await turn();
    }
  }
}

/** A turn of the real event loop: every continuation that can run has run when it is over. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
