import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { newCheckout, newCheckouts } from '../../../../test/queue/sample-checkout.ts';
import type { NewCheckout } from '../../../queue/purchase-queue.ts';
import type { Acceptance } from '../../../shop/checkout.ts';
import {
  type BatcherLimits,
  batcherLimits,
  IntakeBatcher,
  type IntakeResult,
  type PendingCheckout,
} from './intake-batcher.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

interface Buyer extends PendingCheckout {
  readonly checkout: NewCheckout;
}

/** Gives a checkout to the batcher; resolves to its result. */
function apply(batcher: IntakeBatcher<Buyer>, checkout: NewCheckout): Promise<IntakeResult> {
  return new Promise((onIntake) => batcher.accept({ id: checkout.id, checkout, onIntake }));
}

/** A queue that answers when the test says so, in the order of the batches. */
class TestIntake {
  readonly batches: (readonly NewCheckout[])[] = [];
  /** Purchases under way at the gateway. */
  held = 0;
  readonly #answers: ((answer: 'accept' | 'fail') => void)[] = [];
  readonly batcher: IntakeBatcher<Buyer>;

  constructor(limits: Partial<BatcherLimits> = {}) {
    const time = {
      now: () => Date.now(),
      sleep: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
      schedule: (ms: number, run: () => void) => {
        const timer = setTimeout(run, ms);
        return () => clearTimeout(timer);
      },
    };
    const send = (batch: readonly Buyer[]) => this.#send(batch);
    const held = () => this.held;
    this.batcher = new IntakeBatcher({ time, held, send }, { ...batcherLimits, ...limits });
  }

  get sizes(): number[] {
    return this.batches.map((batch) => batch.length);
  }

  accept(checkout: NewCheckout): Promise<IntakeResult> {
    return apply(this.batcher, checkout);
  }

  async #send(batch: readonly Buyer[]): Promise<readonly Acceptance[]> {
    this.batches.push(batch.map(({ checkout }) => checkout));
    const answer = await new Promise((resolve) => this.#answers.push(resolve));
    if (answer === 'fail') throw new Error('the connection was lost');
    return batch.map(({ id }, index) => ({ id, kind: 'accepted', seq: index + 1 }));
  }

  async answer(answer: 'accept' | 'fail' = 'accept'): Promise<void> {
    this.#answers.shift()?.(answer);
    await vi.advanceTimersByTimeAsync(0);
  }
}

describe('intake', () => {
  it('sends at once while few purchases are under way', () => {
    const intake = new TestIntake();
    intake.held = batcherLimits.fewHeld + 2;
    intake.accept(newCheckout());
    expect(intake.sizes).toEqual([1]);
  });

  it('sends half of all who are under way as one batch, in the order of arrival', () => {
    const intake = new TestIntake({ fewHeld: 0 });
    intake.held = 6;
    const checkouts = newCheckouts(4);
    for (const each of checkouts) {
      expect(intake.sizes).toEqual(checkouts.indexOf(each) < 3 ? [] : [3]);
      intake.accept(each);
    }
    expect(intake.batches).toEqual([checkouts.slice(0, 3)]);
  });

  it('waits for other purchases no longer than its limit', async () => {
    const intake = new TestIntake();
    intake.held = 1_000;
    for (const each of newCheckouts(3)) intake.accept(each);
    await vi.advanceTimersByTimeAsync(batcherLimits.gatherMsMax - 1);
    expect(intake.sizes).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(intake.sizes).toEqual([3]);
  });

  it('makes no batch larger than its limit', () => {
    const intake = new TestIntake({ batchMax: 3 });
    intake.held = 1_000;
    for (const each of newCheckouts(4)) intake.accept(each);
    expect(intake.sizes).toEqual([3]);
    expect(intake.batcher.gathered).toBe(1);
  });

  it('gives each its own result, whatever the order', async () => {
    const [one, two] = newCheckouts(2) as [NewCheckout, NewCheckout];
    const answers: Acceptance[] = [
      { id: two.id, kind: 'key-reused' },
      { id: one.id, kind: 'repeated', first: 'earlier', seq: 7 },
    ];
    const time = { now: () => 0, sleep: async () => {}, schedule: instantly };
    const batcher = new IntakeBatcher<Buyer>({
      time,
      held: () => 1_000,
      send: async () => answers,
    });
    const result = await Promise.all([apply(batcher, one), apply(batcher, two)]);
    expect(result).toEqual([answers[1], answers[0]]);
    const forgotten = apply(batcher, newCheckout());
    expect(await forgotten).toEqual({ kind: 'unknown' });
  });

  it('lets batches grow while the maximum is under way', async () => {
    const intake = new TestIntake({ batchesInFlightMax: 2, batchMax: 100 });
    for (let each = 0; each < 5; each += 1) {
      intake.accept(newCheckout());
      await vi.advanceTimersByTimeAsync(2);
    }
    expect(intake.sizes).toEqual([1, 1]);
    expect(intake.batcher.gathered).toBe(3);
    await intake.answer();
    await vi.advanceTimersByTimeAsync(2);
    expect(intake.sizes).toEqual([1, 1, 3]);
  });

  it('sends a batch with an unknown outcome again, and accepts none meanwhile', async () => {
    const intake = new TestIntake();
    let given: unknown = 'nothing';
    const checkout = newCheckout();
    intake.accept(checkout).then((result) => {
      given = result;
    });
    await vi.advanceTimersByTimeAsync(2);
    await intake.answer('fail');
    await vi.advanceTimersByTimeAsync(batcherLimits.retryMs);
    expect(intake.batches).toEqual([[checkout], [checkout]]);
    expect(given).toBe('nothing');
    await intake.answer();
    expect(given).toEqual({ id: checkout.id, kind: 'accepted', seq: 1 });
  });

  it('answers that the outcome is unknown when it has tried for long enough', async () => {
    const intake = new TestIntake();
    const result = intake.accept(newCheckout());
    await vi.advanceTimersByTimeAsync(2);
    const tries = batcherLimits.retryForMs / batcherLimits.retryMs;
    for (let each = 0; each <= tries; each += 1) {
      await intake.answer('fail');
      await vi.advanceTimersByTimeAsync(batcherLimits.retryMs);
    }
    expect(await result).toEqual({ kind: 'unknown' });
    expect(intake.batches).toHaveLength(tries + 1);
  });

  it('is full at its limit', async () => {
    const intake = new TestIntake({ gatheredMax: 2, batchesInFlightMax: 0 });
    const waiting = newCheckouts(2).map((each) => intake.accept(each));
    expect(waiting).toHaveLength(2);
    expect(await intake.accept(newCheckout())).toEqual({ kind: 'full' });
  });
});

function instantly(_ms: number, run: () => void): () => void {
  queueMicrotask(run);
  return () => {};
}
