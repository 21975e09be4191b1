/** The part of the contract that is about decisions, what follows from them, and races. */
import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import type { ClaimedCheckout, PurchaseQueue } from '../../src/queue/purchase-queue.ts';
import type { Decision } from '../../src/shop/checkout.ts';
import {
  decided,
  heldBy,
  idsOf,
  leaseMs,
  newCheckout,
  newCheckouts,
  type Open,
  placed,
  seqsOf,
  soldOut,
  sorted,
  start,
} from './sample-checkout.ts';

const reasons = [
  'total-too-large',
  'payment-declined',
  'payment-timeout',
  'expired',
  'failed',
] as const;

export function describeDecide(open: Open): void {
  it('decides once: the second time it is nobody’s any more', async () => {
    const queue = await open();
    const token = randomUUID();
    const held = await heldBy(queue, token, 2);
    const batch = held.map((each) => decided(each, placed));
    expect(sorted(await queue.decide(token, batch))).toEqual(seqsOf(held));
    const other = held.map((each) => decided(each, soldOut, { releaseStock: true }));
    expect(await queue.decide(token, other)).toEqual([]);
    const known = await queue.outcomes(idsOf(held));
    expect(known.map(({ decision }) => decision)).toEqual([placed, placed]);
    expect(await queue.claimFollowUps(10, start, leaseMs)).toEqual([]);
  });

  it('takes what is decided out of the queue for good', async () => {
    const queue = await open();
    const token = randomUUID();
    const [first, second] = await heldBy(queue, token, 2);
    await queue.decide(token, [decided(first as ClaimedCheckout, soldOut)]);
    const now = start + leaseMs;
    const left = await queue.claim({ token: randomUUID(), limit: 9, retriesMax: 9, leaseMs, now });
    expect(idsOf(left)).toEqual([second?.id]);
  });

  it('is fenced: who lost the lease decides nothing, and nothing follows', async () => {
    const queue = await open();
    const [slow, quick] = [randomUUID(), randomUUID()];
    const held = await heldBy(queue, slow, 2);
    const now = start + leaseMs;
    const [taken] = await queue.claim({ token: quick, limit: 1, retriesMax: 9, leaseMs, now });
    const late = held.map((each) => decided(each, soldOut, { releaseStock: true }));
    expect(await queue.decide(slow, late)).toEqual(seqsOf(held).slice(1));
    expect(await queue.find(held[0]?.id ?? '')).toMatchObject({ kind: 'queued' });
    const followUps = await queue.claimFollowUps(10, now, leaseMs);
    expect(followUps.map(({ checkoutId }) => checkoutId)).toEqual([held[1]?.id]);
    const seqs = await queue.decide(quick, [decided(taken as ClaimedCheckout, placed)]);
    expect(seqs).toEqual([taken?.seq]);
  });

  it('lets a lease that ran out still decide, as long as nobody took over', async () => {
    const queue = await open();
    const token = randomUUID();
    const [held] = await heldBy(queue, token, 1);
    await queue.claim({
      token: randomUUID(),
      limit: 1,
      retriesMax: 9,
      leaseMs,
      now: start + leaseMs - 1,
    });
    const batch = [decided(held as ClaimedCheckout, placed)];
    expect(await queue.decide(token, batch)).toEqual([held?.seq]);
  });

  it('keeps every kind of rejection as it was written', async () => {
    const queue = await open();
    const token = randomUUID();
    const rejections = [
      { reason: 'sold-out', sku: 'BEAR-S', available: 3 },
      { reason: 'unknown-sku', sku: 'no “such” thing' },
      ...reasons.map((reason) => ({ reason })),
    ] as const;
    const held = await heldBy(queue, token, rejections.length);
    const decisions = rejections.map((rejection): Decision => ({ kind: 'rejected', rejection }));
    const batch = held.map((each, index) => decided(each, decisions[index] ?? placed));
    await queue.decide(token, batch);
    const known = await queue.outcomes(idsOf(held));
    const byId = new Map(known.map((each) => [each.id, each.decision]));
    expect(held.map(({ id }) => byId.get(id))).toEqual(decisions);
  });
}

export function describeCarts(open: Open): void {
  const version = randomUUID();
  const held = async () => {
    const queue = await open();
    const token = randomUUID();
    const checkouts = await heldBy(queue, token, 3);
    const hold = (...seqs: number[]) => queue.holdCarts(seqs.map((seq) => ({ seq, version })));
    const decide = (seq: number, decision: Decision) => {
      const checkout = checkouts.find((each) => each.seq === seq) as ClaimedCheckout;
      return queue.decide(token, [decided(checkout, decision)]);
    };
    const [one = 0, two = 0, three = 0] = seqsOf(checkouts);
    return { queue, hold, decide, one, two, three };
  };

  it('gives a cart to the first who asks, and to the same again', async () => {
    const { hold, one, two } = await held();
    const own = [{ seq: one, holder: one, isPlaced: false }];
    expect(await hold(one)).toEqual(own);
    expect(await hold(one)).toEqual(own);
    expect(await hold(two)).toEqual([{ seq: two, holder: one, isPlaced: false }]);
  });

  it('gives it to one of those who ask together', async () => {
    const { hold, one, two, three } = await held();
    const holds = await hold(one, two, three);
    expect(holds.map(({ holder }) => holder)).toEqual([one, one, one]);
  });

  it('says by which order it was bought', async () => {
    const { hold, decide, one, two } = await held();
    await hold(one);
    await decide(one, placed);
    expect(await hold(two)).toEqual([{ seq: two, holder: one, isPlaced: true }]);
  });

  it('gives it to the next once the one who had it was rejected', async () => {
    const { hold, decide, one, two, three } = await held();
    await hold(one);
    await decide(one, soldOut);
    expect(await hold(two, three)).toEqual([
      { seq: two, holder: two, isPlaced: false },
      { seq: three, holder: two, isPlaced: false },
    ]);
  });

  it('has nobody wait for another cart', async () => {
    const { queue, hold, one, two } = await held();
    await hold(one);
    const other = { seq: two, version: randomUUID() };
    expect(await queue.holdCarts([other])).toMatchObject([{ seq: two, holder: two }]);
  });

  it('is emptied after an order, by its key and version', async () => {
    const queue = await open();
    const cart = { key: randomUUID(), version };
    const checkout = newCheckout();
    await queue.accept([{ ...checkout, request: { ...checkout.request, cart } }]);
    const token = randomUUID();
    const [claimed] = await queue.claim({ token, limit: 1, retriesMax: 9, leaseMs, now: start });
    await queue.decide(token, [decided(claimed as ClaimedCheckout, placed, { emptyCart: true })]);
    const due = await queue.claimFollowUps(9, start, leaseMs);
    expect(due).toMatchObject([{ kind: 'empty-cart', checkoutId: checkout.id, cart }]);
  });

  it('waits where a time is named when its checkout is given back', async () => {
    const queue = await open();
    const token = randomUUID();
    const [claimed] = await heldBy(queue, token, 1);
    await queue.giveBack(token, [claimed?.seq ?? 0], start + 500);
    const claim = (now: number) =>
      queue.claim({ token: randomUUID(), limit: 9, retriesMax: 9, leaseMs, now });
    expect(await claim(start + 499)).toEqual([]);
    expect(await claim(start + 500)).toMatchObject([{ seq: claimed?.seq, attempts: 1 }]);
  });
}

export function describeFollowUps(open: Open): void {
  const rejected = async (queue: PurchaseQueue) => {
    const token = randomUUID();
    const [one, two, three] = (await heldBy(queue, token, 3)) as [
      ...[ClaimedCheckout, ClaimedCheckout, ClaimedCheckout],
    ];
    await queue.decide(token, [
      decided(one, soldOut, { releaseStock: true, voidPayment: true }),
      decided(two, placed),
      decided(three, soldOut, { releaseStock: true }),
    ]);
    return { one, three };
  };

  it('writes what follows with the decision: release and void, nothing for an order', async () => {
    const queue = await open();
    const { one, three } = await rejected(queue);
    const due = await queue.claimFollowUps(10, start, leaseMs);
    const found = due.map(({ checkoutId, kind }) => `${kind} ${checkoutId}`).toSorted();
    expect(found).toEqual(
      [`release ${one.id}`, `release ${three.id}`, `void ${one.id}`].toSorted(),
    );
    expect(new Set(due.map(({ id }) => id)).size).toBe(3);
  });

  it('says of a follow-up how the checkout was to be paid, and by which payment', async () => {
    const queue = await open();
    const { one } = await rejected(queue);
    const due = await queue.claimFollowUps(10, start, leaseMs);
    const voided = due.find(({ kind }) => kind === 'void');
    expect(voided).toMatchObject({ checkoutId: one.id, method: 'test', paymentId: null });
  });

  it('hands a follow-up to one at a time, until its lease runs out', async () => {
    const queue = await open();
    await rejected(queue);
    const first = await queue.claimFollowUps(2, start, leaseMs);
    const second = await queue.claimFollowUps(2, start, leaseMs);
    expect([first.length, second.length]).toEqual([2, 1]);
    expect(new Set([...first, ...second].map(({ id }) => id)).size).toBe(3);
    expect(await queue.claimFollowUps(9, start + leaseMs - 1, leaseMs)).toEqual([]);
    expect(await queue.claimFollowUps(9, start + leaseMs, leaseMs)).toHaveLength(3);
  });

  it('forgets what is finished, and that alone', async () => {
    const queue = await open();
    await rejected(queue);
    const [done, ...open_] = await queue.claimFollowUps(9, start, leaseMs);
    await queue.finishFollowUps([done?.id ?? 0]);
    const left = await queue.claimFollowUps(9, start + leaseMs, leaseMs);
    expect(sorted(left.map(({ id }) => id))).toEqual(sorted(open_.map(({ id }) => id)));
    await queue.finishFollowUps(left.map(({ id }) => id));
    expect(await queue.claimFollowUps(9, start + 2 * leaseMs, leaseMs)).toEqual([]);
  });
}

export function describeConcurrency(open: Open): void {
  it('never gives two claimers the same checkout, and leaves none out', async () => {
    const queue = await open();
    const batch = newCheckouts(200);
    await queue.accept(batch);
    const claimAll = async (): Promise<string[]> => {
      const claimed: string[] = [];
      for (;;) {
        const request = { token: randomUUID(), limit: 7, retriesMax: 9, leaseMs, now: start };
        const ids = idsOf(await queue.claim(request));
        if (ids.length === 0) return claimed;
        claimed.push(...ids);
      }
    };
    const claimed = (await Promise.all(Array.from({ length: 12 }, claimAll))).flat();
    expect(claimed).toHaveLength(batch.length);
    expect(new Set(claimed)).toEqual(new Set(idsOf(batch)));
  });

  it('gives a key that many send at once to one of them', async () => {
    const queue = await open();
    const { key, hash } = newCheckout();
    const rivals = Array.from({ length: 12 }, () => newCheckout({ key, hash }));
    const answers = (await Promise.all(rivals.map((each) => queue.accept([each])))).flat();
    const winner = answers.find(({ kind }) => kind === 'accepted');
    const losers = answers.filter(({ kind }) => kind !== 'accepted');
    expect(losers).toHaveLength(rivals.length - 1);
    for (const each of losers) expect(each).toMatchObject({ kind: 'repeated', first: winner?.id });
    const claimed = await queue.claim({
      token: randomUUID(),
      limit: 99,
      retriesMax: 9,
      leaseMs,
      now: start,
    });
    expect(idsOf(claimed)).toEqual([winner?.id]);
  });

  it('lets one of many decisions win, with what follows from that one', async () => {
    const queue = await open();
    const token = randomUUID();
    const held = await heldBy(queue, token, 20);
    const rivals = Array.from({ length: 8 }, (_, index) => {
      const decision = { ...placed, paymentId: `pay-${index}` };
      if (index % 2 === 0) return held.map((each) => decided(each, decision));
      return held.map((each) => decided(each, soldOut, { releaseStock: true })).toReversed();
    });
    const won = await Promise.all(rivals.map((batch) => queue.decide(token, batch)));
    expect(sorted(won.flat())).toEqual(seqsOf(held));
    const known = await queue.outcomes(idsOf(held));
    const winners = new Map(won.flatMap((seqs, index) => seqs.map((seq) => [seq, index])));
    for (const { seq, decision } of known) {
      const rival = rivals[winners.get(seq) ?? -1] ?? [];
      expect(decision).toEqual(rival.find((each) => each.seq === seq)?.decision);
    }
    const rejected = known.filter(({ decision }) => decision.kind === 'rejected');
    expect(await queue.claimFollowUps(99, start, leaseMs)).toHaveLength(rejected.length);
  });

  it('decides by the new holder alone while the old one decides too', async () => {
    const queue = await open();
    const [slow, quick] = [randomUUID(), randomUUID()];
    const held = await heldBy(queue, slow, 10);
    const now = start + leaseMs;
    const taken = await queue.claim({ token: quick, limit: 10, retriesMax: 9, leaseMs, now });
    const [late, first] = await Promise.all([
      queue.decide(
        slow,
        held.map((each) => decided(each, soldOut, { releaseStock: true })),
      ),
      queue.decide(
        quick,
        taken.map((each) => decided(each, placed)),
      ),
    ]);
    expect(late).toEqual([]);
    expect(sorted(first)).toEqual(seqsOf(held));
    expect(await queue.claimFollowUps(99, now, leaseMs)).toEqual([]);
  });
}
