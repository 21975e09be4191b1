/**
 * Gathers checkouts for at most `gatherMs` or `batchMax` of them and sends them to the queue as one
 * batch: the quorum commit that a purchase needs is shared by all that arrived with it.
 *
 * While `batchesInFlightMax` batches are under way the next one goes on growing, so batches get
 * larger exactly when the database is slower. One is best: see the worker's figures (ports.ts). A batch whose fate is unknown (connection lost, no
 * leader) is sent again as it is until `retryForMs` is over: intake is idempotent by key.
 *
 * What must never hold: a checkout told as accepted that the quorum does not have.
 */
import type { Acceptance, NewCheckout } from '../../../queue/purchase-queue.ts';

export interface BatcherTime {
  now(): number;
  sleep(ms: number): Promise<void>;
  schedule(ms: number, run: () => void): () => void;
}

export interface BatcherLimits {
  readonly gatherMs: number;
  readonly batchMax: number;
  readonly batchesInFlightMax: number;
  /** Checkouts gathered and not yet sent; above it the shop says 503. */
  readonly gatheredMax: number;
  readonly retryMs: number;
  readonly retryForMs: number;
}

export const batcherLimits: BatcherLimits = {
  gatherMs: 2,
  batchMax: 256,
  batchesInFlightMax: 1,
  gatheredMax: 20_000,
  retryMs: 50,
  retryForMs: 8_000,
};

export type IntakeResult = Acceptance | { readonly kind: 'unknown' } | { readonly kind: 'full' };

interface Gathered {
  readonly checkout: NewCheckout;
  readonly resolve: (result: IntakeResult) => void;
}

export interface BatcherPorts {
  readonly time: BatcherTime;
  /** Throws where the batch's fate is unknown. */
  send(batch: readonly NewCheckout[]): Promise<readonly Acceptance[]>;
}

export class IntakeBatcher {
  readonly #ports: BatcherPorts;
  readonly #limits: BatcherLimits;
  #gathered: Gathered[] = [];
  #inFlight = 0;
  #timer = false;

  constructor(ports: BatcherPorts, limits: BatcherLimits = batcherLimits) {
    this.#ports = ports;
    this.#limits = limits;
  }

  get gathered(): number {
    return this.#gathered.length;
  }

  /** Resolves when the queue has it durably, or says why not. Never rejects. */
  accept(checkout: NewCheckout): Promise<IntakeResult> {
    if (this.#gathered.length >= this.#limits.gatheredMax) {
      return Promise.resolve({ kind: 'full' });
    }
    return new Promise((resolve) => {
      this.#gathered.push({ checkout, resolve });
      if (this.#gathered.length >= this.#limits.batchMax) this.#flush();
      else this.#flushSoon();
    });
  }

  #flushSoon(): void {
    if (this.#timer) return;
    this.#timer = true;
    this.#ports.time.schedule(this.#limits.gatherMs, () => {
      this.#timer = false;
      this.#flush();
    });
  }

  #flush(): void {
    while (this.#gathered.length > 0 && this.#inFlight < this.#limits.batchesInFlightMax) {
      const batch = this.#gathered.splice(0, this.#limits.batchMax);
      this.#inFlight += 1;
      this.#send(batch).finally(() => {
        this.#inFlight -= 1;
        if (this.#gathered.length > 0) this.#flushSoon();
      });
    }
  }

  async #send(batch: readonly Gathered[]): Promise<void> {
    const checkouts = batch.map((each) => each.checkout);
    const { time, send } = this.#ports;
    const giveUpAt = time.now() + this.#limits.retryForMs;
    for (;;) {
      try {
        const answers = new Map((await send(checkouts)).map((each) => [each.id, each]));
        for (const { checkout, resolve } of batch) {
          resolve(answers.get(checkout.id) ?? { kind: 'unknown' });
        }
        return;
      } catch {
        if (time.now() >= giveUpAt) {
          for (const { resolve } of batch) resolve({ kind: 'unknown' });
          return;
        }
        await time.sleep(this.#limits.retryMs);
      }
    }
  }
}
