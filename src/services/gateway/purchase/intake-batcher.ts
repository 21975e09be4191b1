/**
 * Gathers checkouts and sends them to the queue as one batch: the quorum commit that a purchase
 * needs is shared by all that travel with it.
 *
 * Up to `fewHeld` purchases under way each is sent at once. Beyond, a batch leaves when it holds
 * half of all above that, and after `gatherMsMax` at the latest: a crowd waits for the processors
 * anyway, and in batches of hundreds it costs them less. (With a thousand under way, waiting for
 * half of all sold 6,820/s where gathering for two milliseconds had sold 5,720/s, in three
 * alternating runs. At half of the highest rate it does not pay: the 99th percentile was 90 to 105
 * ms with `fewHeld` at 16 and 75 to 79 at 128; at 256 it is 47, since claims wait for fewer too:
 * decision 16.)
 *
 * While `batchesInFlightMax` batches are under way the next one goes on growing. One is best: see
 * the worker's figures (ports.ts). A batch whose fate is unknown (connection lost, no leader) is
 * sent again as it is until `retryForMs` is over: intake is idempotent by key.
 *
 * What must never hold: a checkout answered as accepted that the quorum does not have.
 */
import type { Time } from '../../../kit/clock.ts';
import type { Acceptance } from '../../../shop/checkout.ts';

export interface BatcherLimits {
  readonly gatherMsMax: number;
  readonly batchMax: number;
  /** Purchases under way: about what half of the highest rate has. */
  readonly fewHeld: number;
  readonly batchesInFlightMax: number;
  /** Checkouts gathered and not yet sent; above it the shop says 503. */
  readonly gatheredMax: number;
  readonly retryMs: number;
  readonly retryForMs: number;
}

export const batcherLimits: BatcherLimits = {
  gatherMsMax: 40,
  batchMax: 1_024,
  fewHeld: 256,
  batchesInFlightMax: 1,
  gatheredMax: 20_000,
  retryMs: 50,
  retryForMs: 8_000,
};

export type IntakeResult = Acceptance | { readonly kind: 'unknown' } | { readonly kind: 'full' };

/** A checkout to be accepted. */
export interface PendingCheckout {
  readonly id: string;
  /** Called once. */
  onIntake(result: IntakeResult): void;
}

export interface BatcherPorts<A extends PendingCheckout> {
  readonly time: Time;
  /** Purchases that wait for their outcome here, those not yet sent included. */
  held(): number;
  /** Throws where the batch's fate is unknown. */
  send(batch: readonly A[]): Promise<readonly Acceptance[]>;
}

export class IntakeBatcher<A extends PendingCheckout> {
  readonly #ports: BatcherPorts<A>;
  readonly #limits: BatcherLimits;
  #gathered: A[] = [];
  #inFlight = 0;
  #cancelTimer: (() => void) | null = null;

  constructor(ports: BatcherPorts<A>, limits: BatcherLimits = batcherLimits) {
    this.#ports = ports;
    this.#limits = limits;
  }

  get gathered(): number {
    return this.#gathered.length;
  }

  /** Calls its `onIntake` when the queue has it durably, or with the reason why not. */
  accept(checkout: A): void {
    if (this.#gathered.length >= this.#limits.gatheredMax) {
      checkout.onIntake({ kind: 'full' });
      return;
    }
    this.#gathered.push(checkout);
    this.#flushWhenDue();
  }

  #flushWhenDue(): void {
    const { fewHeld, batchMax, gatherMsMax } = this.#limits;
    const sizeMin = Math.min(batchMax, (this.#ports.held() - fewHeld) / 2);
    if (this.#gathered.length >= sizeMin) this.#flush();
    else this.#cancelTimer ??= this.#ports.time.schedule(gatherMsMax, () => this.#flush());
  }

  #flush(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    while (this.#gathered.length > 0 && this.#inFlight < this.#limits.batchesInFlightMax) {
      const batch = this.#gathered.splice(0, this.#limits.batchMax);
      this.#inFlight += 1;
      this.#send(batch).finally(() => {
        this.#inFlight -= 1;
        if (this.#gathered.length > 0) this.#flushWhenDue();
      });
    }
  }

  async #send(batch: readonly A[]): Promise<void> {
    const answers = await this.#sendUntilKnown(batch);
    for (const each of batch) each.onIntake(answers.get(each.id) ?? { kind: 'unknown' });
  }

  /** What the queue says of each, by id; nothing where its fate stayed unknown. */
  async #sendUntilKnown(batch: readonly A[]): Promise<ReadonlyMap<string, Acceptance>> {
    const { time, send } = this.#ports;
    const giveUpAt = time.now() + this.#limits.retryForMs;
    for (;;) {
      try {
        return new Map((await send(batch)).map((each) => [each.id, each]));
      } catch {
        if (time.now() >= giveUpAt) return new Map();
        await time.sleep(this.#limits.retryMs);
      }
    }
  }
}
