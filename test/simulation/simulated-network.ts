/**
 * The network between processes: it delays, reorders, loses requests, loses replies, delivers
 * twice, and shows a caller whose patience is over an error while its request still travels.
 *
 * Each call is also where processes die: before the request leaves, or after it took effect and
 * before the reply arrives. A call of a dead process never comes back.
 */
import { exponential, type Random } from '../../eval/scaling/random.ts';
import type { Scheduler } from './scheduler.ts';
import type { SimulatedProcess } from './simulated-process.ts';

/** The only failure that the network itself makes. Whether the call took effect is not known. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable';
}

/** Probabilities are per call, 0 to 1. */
export interface NetworkConditions {
  readonly latencyMsMean: number;
  /** How often a message is as late as `lateMsMean`. */
  readonly late: number;
  readonly lateMsMean: number;
  readonly requestLost: number;
  readonly replyLost: number;
  readonly duplicated: number;
  /** How often the caller dies before the request leaves, and as often after its effect. */
  readonly callerDies: number;
}

export interface SimulatedServer {
  readonly name: string;
  /** Made once: a stack trace for each failure would cost more than the simulation. */
  readonly failure: Unreachable;
  isUp: boolean;
  /** What arrives before this time waits until then, as at a stopped process. */
  stalledUntil: number;
}

export function newServer(name: string): SimulatedServer {
  const failure = new Unreachable(`${name} cannot be reached`);
  return { name, failure, isUp: true, stalledUntil: 0 };
}

export class SimulatedNetwork {
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  conditions: NetworkConditions;

  constructor(scheduler: Scheduler, random: Random, conditions: NetworkConditions) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.conditions = conditions;
  }

  /** Rejects with Unreachable after `deadlineMs` at the latest, or with what `effect` threw. */
  call<T>(
    caller: SimulatedProcess,
    server: SimulatedServer,
    deadlineMs: number,
    effect: () => Promise<T>,
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (caller.isDead) return;
      if (this.#strikes(caller)) return;
      const deadline = this.#scheduler.after(deadlineMs, () => caller.deliver(fail));
      const fail = (): void => {
        deadline();
        reject(server.failure);
      };
      const reply = (answer: () => void): void => {
        if (this.#strikes(caller)) return;
        const receive = (): void => {
          deadline();
          answer();
        };
        if (!server.isUp) this.#later(() => caller.deliver(fail));
        else if (!this.#happens(this.conditions.replyLost)) {
          this.#later(() => caller.deliver(receive));
        }
      };
      if (this.#happens(this.conditions.duplicated)) {
        this.#arrive(server, effect).catch(() => {}); // nobody receives the reply to the copy
      }
      if (this.#happens(this.conditions.requestLost)) return;
      this.#arrive(server, effect).then(
        (value) => reply(() => resolve(value)),
        (error) => reply(() => reject(error)),
      );
    });
  }

  /** One message, perhaps late, twice or never. */
  send(target: SimulatedProcess, happening: () => void): void {
    if (this.#happens(this.conditions.requestLost)) return;
    this.#later(() => target.deliver(happening));
    if (this.#happens(this.conditions.duplicated)) this.#later(() => target.deliver(happening));
  }

  /** A packet that arrives not before `notBefore`. Returns when it arrives. */
  carry(notBefore: number, happening: () => void): number {
    const delayMs = exponential(this.#random, this.conditions.latencyMsMean);
    const at = Math.max(notBefore, this.#scheduler.now + delayMs);
    this.#scheduler.after(at - this.#scheduler.now, happening);
    return at;
  }

  losesPacket(): boolean {
    return this.#happens(this.conditions.requestLost);
  }

  #arrive<T>(server: SimulatedServer, effect: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const happen = (): void => {
        const stalledMs = server.stalledUntil - this.#scheduler.now;
        if (stalledMs > 0) this.#scheduler.after(stalledMs, () => this.#later(happen));
        else if (server.isUp) effect().then(resolve, reject);
        else reject(server.failure);
      };
      this.#later(happen);
    });
  }

  #later(run: () => void): void {
    const { latencyMsMean, late, lateMsMean } = this.conditions;
    const mean = this.#happens(late) ? lateMsMean : latencyMsMean;
    this.#scheduler.after(exponential(this.#random, mean), run);
  }

  #strikes(caller: SimulatedProcess): boolean {
    if (!caller.isMortal || !this.#happens(this.conditions.callerDies)) return false;
    caller.kill();
    return true;
  }

  #happens(probability: number): boolean {
    return probability > 0 && this.#random.next() < probability;
  }
}
