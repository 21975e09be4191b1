/**
 * A process of the shop, as seen by its machine.
 *
 * Modes: *running*; *paused* (what should happen to it waits, as under SIGSTOP or a long garbage
 * collection; what it sent before goes on); *dead* (nothing ever happens to it again: its pending
 * continuations are dropped with the promises that would have woken them).
 * After a pause it is *resuming* until all that waited has happened, one after the other.
 * running -> paused -> resuming -> running, all -> dead. A restart is another process.
 */
import type { Time } from '../../src/kit/clock.ts';
import type { Scheduler } from './scheduler.ts';

export class SimulatedProcess {
  readonly name: string;
  readonly #scheduler: Scheduler;
  /** How far this machine's clock is off, in milliseconds. */
  readonly #clockSkewMs: number;
  readonly #onDeath: (() => void) | null;
  #mode: 'running' | 'paused' | 'resuming' | 'dead' = 'running';
  #held: (() => void)[] = [];
  #deathListeners: (() => void)[] = [];

  /** Without `onDeath` it is a process that never dies: a client. */
  constructor(
    name: string,
    scheduler: Scheduler,
    clockSkewMs = 0,
    onDeath: (() => void) | null = null,
  ) {
    this.name = name;
    this.#scheduler = scheduler;
    this.#clockSkewMs = clockSkewMs;
    this.#onDeath = onDeath;
  }

  get isDead(): boolean {
    return this.#mode === 'dead';
  }

  get isMortal(): boolean {
    return this.#onDeath !== null;
  }

  /** Others learn that it died: the other ends of its connections. */
  whenDead(listener: () => void): void {
    this.#deathListeners.push(listener);
  }

  /** Something happens to the process: now, when it runs again, or never. */
  deliver(happening: () => void): void {
    if (this.#mode === 'running') happening();
    else if (this.#mode !== 'dead') this.#held.push(happening);
  }

  pause(): void {
    if (this.#mode !== 'dead') this.#mode = 'paused';
  }

  resume(): void {
    if (this.#mode !== 'paused') return;
    this.#mode = 'resuming';
    this.#takeNext();
  }

  /** One event each, as the event loop takes them: what one has led to goes before the next. */
  #takeNext(): void {
    if (this.#mode !== 'resuming') return;
    const happening = this.#held.shift();
    if (happening === undefined) this.#mode = 'running';
    else {
      happening();
      this.#scheduler.after(0, () => this.#takeNext());
    }
  }

  kill(): void {
    if (this.#mode === 'dead') return;
    this.#mode = 'dead';
    this.#held = [];
    this.#onDeath?.();
    for (const listener of this.#deathListeners) listener();
    this.#deathListeners = [];
  }

  get time(): Time {
    const schedule = (ms: number, run: () => void): (() => void) => {
      let isCancelled = false; // perhaps while it waits for the process to resume
      const cancel = this.#scheduler.after(ms, () => this.deliver(() => isCancelled || run()));
      return () => {
        isCancelled = true;
        cancel();
      };
    };
    return {
      now: () => Math.floor(this.#scheduler.now) + this.#clockSkewMs,
      sleep: (ms) =>
        new Promise((resolve) => {
          schedule(ms, resolve);
        }),
      schedule,
    };
  }
}
