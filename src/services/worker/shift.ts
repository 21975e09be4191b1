/**
 * The worker at work, from a *go* to the next *rest*.
 *
 * Whoever started the process says both over its channel. Off shift it is a spare: everything is
 * connected and nothing is claimed, and it ends itself when nobody is left who could say go. On
 * shift the loss of that channel changes nothing: a dead supervisor is no reason to stop selling.
 * Each shift has a loop of its own, and counts from its own beginning, like a new process.
 */
import type { WorkerLoop } from './worker-loop.ts';

const drainMsMax = 2_500;

type ShiftLoop = Pick<WorkerLoop, 'start' | 'stop' | 'paymentsBusyMs' | 'checkoutsHeld'>;

/** What a process hears from whoever started it; `process` itself, or one that a test plays. */
export interface Channel {
  readonly connected: boolean;
  on(event: 'message', hear: (message: unknown) => void): unknown;
  on(event: 'disconnect', hear: () => void): unknown;
  send?(message: unknown): unknown;
  exit(code: number): void;
}

export class Shift<Loop extends ShiftLoop = WorkerLoop> {
  readonly #newLoop: () => Loop;
  readonly #listen: (loop: Loop) => () => void;
  readonly #decided: () => number;
  #unlisten: (() => void) | null = null;
  #decidedBefore = 0;
  loop: Loop;

  /** `listen` rings the loop when work comes in, until what it returned is called. */
  constructor(newLoop: () => Loop, listen: (loop: Loop) => () => void, decided: () => number) {
    this.#newLoop = newLoop;
    this.#listen = listen;
    this.#decided = decided;
    this.loop = newLoop();
  }

  /** Checkouts that were decided in this shift. */
  get done(): number {
    return this.#decided() - this.#decidedBefore;
  }

  begin(): void {
    if (this.#unlisten !== null) return;
    this.#decidedBefore = this.#decided();
    this.loop = this.#newLoop();
    this.loop.start();
    this.#unlisten = this.#listen(this.loop);
  }

  /** Finishes what it holds for up to `drainMsMax`, and gives the rest back. */
  async end(): Promise<void> {
    this.#unlisten?.();
    await this.loop.stop(drainMsMax);
    this.#unlisten = null;
  }

  obey(channel: Channel): void {
    channel.on('message', async (message) => {
      const { type } = message as { type?: unknown };
      if (type === 'go') this.begin();
      if (type !== 'rest') return;
      await this.end();
      if (channel.connected) channel.send?.({ type: 'resting' });
      else channel.exit(0);
    });
    channel.on('disconnect', () => {
      if (this.#unlisten === null) channel.exit(0);
    });
  }
}
