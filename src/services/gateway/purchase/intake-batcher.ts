/**
 * Gathers checkouts and sends them to the queue in batches: all checkouts of a batch share one
 * quorum commit.
 *
 * While at most `fewHeld` purchases are under way, each is sent at once. With more, a batch is sent
 * when it holds half of those above `fewHeld`, and after `gatherMsMax` at the latest. Under such a
 * load purchases wait for the processors anyway, and large batches cost them less. (With a thousand
 * under way this sold 6,820/s, where gathering for two milliseconds had sold 5,720/s, in three
 * alternating runs. At half of the highest rate it does not pay: the 99th percentile was 90 to 105
 * ms with `fewHeld` at 16 and 75 to 79 at 128; at 256 it is 47, since claims wait for fewer too:
 * decision 16.)
 *
 * While `batchesInFlightMax` batches are under way the next one grows. One is best: see the
 * worker's figures (ports.ts). If the outcome of a batch is unknown (connection lost, no leader),
 * the same batch is sent again until `retryForMs` is over: intake is idempotent by key.
 *
 * Never: a checkout is answered as accepted that the quorum does not have.
 */
import type { Time } from '../../../kit/clock.ts';
import type { Acceptance } from '../../../shop/checkout.ts';

export interface BatcherLimits {
  readonly gatherMsMax: number;
  readonly batchMax: number;
  /** Purchases under way; about as many as at half of the highest rate. */
  readonly fewHeld: number;
  readonly batchesInFlightMax: number;
  /** Checkouts that are gathered and not yet sent; with more the answer is 503. */
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
  /** Purchases of this gateway that wait for their outcome, also those not yet sent. */
  held(): number;
  /** Throws where it is unknown whether the queue has stored the batch. */
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

  /** Calls its `onIntake` when the queue has stored it durably, or with the reason why not. */
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

  /** The results by id; empty if the outcome of the batch stays unknown. */
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
