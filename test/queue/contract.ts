/**
 * What every implementation of the purchase queue promises, as one suite. A test file beside each
 * implementation runs it with its own way to open a fresh, empty queue. Time is an argument of the
 * port, so nothing here waits.
 */
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { uuidV7 } from '../../src/kit/uuid-v7.ts';
import type { ClaimedCheckout, PurchaseQueue } from '../../src/queue/purchase-queue.ts';
import {
  describeCarts,
  describeConcurrency,
  describeDecide,
  describeFollowUps,
} from './decision-contract.ts';
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

export function purchaseQueueContract(name: string, open: Open): void {
  describe(`${name}, as a purchase queue`, () => {
    describeAccept(open);
    describeClaim(open);
    describeLeases(open);
    describeDecide(open);
    describePostponed(open);
    describeLookUp(open);
    describeCarts(open);
    describeFollowUps(open);
    describeConcurrency(open);
  });
}

function describeAccept(open: Open): void {
  it('accepts a batch in its order, each checkout at a place behind the last', async () => {
    const queue = await open();
    const [first, second] = [newCheckouts(3), newCheckouts(2)];
    const answers = [...(await queue.accept(first)), ...(await queue.accept(second))];
    expect(answers.map(({ kind }) => kind)).toEqual(Array(5).fill('accepted'));
    expect(idsOf(answers)).toEqual(idsOf([...first, ...second]));
    const seqs = answers.map((each) => (each.kind === 'accepted' ? each.seq : 0));
    expect(seqs).toEqual(sorted(seqs));
    expect(new Set(seqs).size).toBe(5);
  });

  it('accepts nothing where nothing is given', async () => {
    expect(await (await open()).accept([])).toEqual([]);
  });

  it('answers a batch that is sent again as the first time, and queues it once', async () => {
    const queue = await open();
    const batch = newCheckouts(4);
    const answers = await queue.accept(batch);
    expect(await queue.accept(batch)).toEqual(answers);
    const claimed = await queue.claim({
      token: randomUUID(),
      limit: 10,
      retriesMax: 9,
      leaseMs,
      now: start,
    });
    expect(idsOf(claimed)).toEqual(idsOf(batch));
  });

  it('names the first checkout of a key that comes again with the same request', async () => {
    const queue = await open();
    const first = newCheckout();
    const [answer] = await queue.accept([first]);
    const again = newCheckout({ key: first.key, hash: first.hash });
    const other = newCheckout();
    const [repeated, fresh] = await queue.accept([again, other]);
    expect(answer?.kind).toBe('accepted');
    const seq = answer?.kind === 'accepted' ? answer.seq : 0;
    expect(repeated).toEqual({ id: again.id, kind: 'repeated', first: first.id, seq });
    expect(fresh).toMatchObject({ id: other.id, kind: 'accepted' });
    expect(await queue.find(again.id)).toBeNull();
  });

  it('refuses a key that comes again with another request', async () => {
    const queue = await open();
    const first = newCheckout();
    await queue.accept([first]);
    const another = newCheckout({ key: first.key });
    expect(await queue.accept([another])).toEqual([{ id: another.id, kind: 'key-reused' }]);
  });

  it('lets the first of one batch have the key', async () => {
    const queue = await open();
    const first = newCheckout();
    const same = newCheckout({ key: first.key, hash: first.hash });
    const another = newCheckout({ key: first.key });
    const [one, two, three] = await queue.accept([first, same, another]);
    expect(one).toMatchObject({ id: first.id, kind: 'accepted' });
    expect(two).toMatchObject({ id: same.id, kind: 'repeated', first: first.id });
    expect(three).toEqual({ id: another.id, kind: 'key-reused' });
  });

  it('keeps a key for ever: also behind its decision', async () => {
    const queue = await open();
    const first = newCheckout();
    await queue.accept([first]);
    const token = randomUUID();
    const [claimed] = await queue.claim({ token, limit: 1, retriesMax: 9, leaseMs, now: start });
    await queue.decide(token, [decided(claimed as ClaimedCheckout, placed)]);
    const again = newCheckout({ key: first.key, hash: first.hash });
    expect(await queue.accept([again])).toMatchObject([{ kind: 'repeated', first: first.id }]);
  });
}

function describeClaim(open: Open): void {
  it('hands out a checkout whole, as it was accepted', async () => {
    const queue = await open();
    const checkout = newCheckout({ customer: 'customer-7' });
    await queue.accept([checkout]);
    const [claimed] = await queue.claim({
      token: randomUUID(),
      limit: 9,
      retriesMax: 9,
      leaseMs,
      now: start,
    });
    const { id, request, customer, expires } = checkout;
    expect(claimed).toEqual({
      ...{ id, request, customer, expires },
      ...{ seq: expect.any(Number), attempts: 1, unanswered: 0 },
    });
  });

  it('hands out the oldest first, no more than asked, and skips what is held', async () => {
    const queue = await open();
    const batch = newCheckouts(5);
    await queue.accept(batch);
    const claim = (limit: number, now: number) =>
      queue.claim({ token: randomUUID(), limit, retriesMax: 9, leaseMs, now });
    expect(idsOf(await claim(2, start))).toEqual(idsOf(batch.slice(0, 2)));
    expect(idsOf(await claim(2, start + 1))).toEqual(idsOf(batch.slice(2, 4)));
    expect(idsOf(await claim(2, start + 2))).toEqual(idsOf(batch.slice(4)));
    expect(await claim(2, start + 3)).toEqual([]);
  });

  it('hands out again what a lease has run out on, and counts the attempts', async () => {
    const queue = await open();
    const held = await heldBy(queue, randomUUID(), 3);
    const claim = (now: number) =>
      queue.claim({ token: randomUUID(), limit: 9, retriesMax: 9, leaseMs, now });
    expect(await claim(start + leaseMs - 1)).toEqual([]);
    const again = await claim(start + leaseMs);
    expect(idsOf(again)).toEqual(idsOf(held));
    expect(again.map(({ attempts }) => attempts)).toEqual([2, 2, 2]);
  });

  it('puts what a lease has run out on before what is younger', async () => {
    const queue = await open();
    const old = await heldBy(queue, randomUUID(), 2);
    const young = newCheckouts(2);
    await queue.accept(young);
    const now = start + leaseMs;
    const claimed = await queue.claim({
      token: randomUUID(),
      limit: 3,
      retriesMax: 9,
      leaseMs,
      now,
    });
    expect(idsOf(claimed)).toEqual(idsOf([...old, ...young.slice(0, 1)]));
  });
}

function describeLeases(open: Open): void {
  it('lengthens a lease, and says what the token still holds', async () => {
    const queue = await open();
    const token = randomUUID();
    const held = await heldBy(queue, token, 2);
    const asked = [...seqsOf(held), 999_999];
    const until = start + 3 * leaseMs;
    expect(sorted(await queue.extend(token, asked, until))).toEqual(seqsOf(held));
    const claim = (now: number) =>
      queue.claim({ token: randomUUID(), limit: 9, retriesMax: 9, leaseMs, now });
    expect(await claim(until - 1_000)).toEqual([]);
    expect(idsOf(await claim(until))).toEqual(idsOf(held));
  });

  it('lengthens nothing for a token whose checkouts were taken over', async () => {
    const queue = await open();
    const slow = randomUUID();
    const seqs = seqsOf(await heldBy(queue, slow, 2));
    const now = start + leaseMs;
    await queue.claim({ token: randomUUID(), limit: 1, retriesMax: 9, leaseMs, now });
    expect(await queue.extend(slow, seqs, now + leaseMs)).toEqual(seqs.slice(1));
  });

  it('gives back, for others to claim at once', async () => {
    const queue = await open();
    const token = randomUUID();
    const held = await heldBy(queue, token, 3);
    await queue.accept(newCheckouts(2));
    await queue.claim({ token: randomUUID(), limit: 2, retriesMax: 9, leaseMs, now: start + 1 });
    await queue.giveBack(token, seqsOf(held));
    const now = start + 2;
    const claimed = await queue.claim({
      token: randomUUID(),
      limit: 9,
      retriesMax: 9,
      leaseMs,
      now,
    });
    expect(idsOf(claimed)).toEqual(idsOf(held));
    expect(await queue.extend(token, seqsOf(held), now + leaseMs)).toEqual([]);
  });

  it('counts no attempt for what was given back', async () => {
    const queue = await open();
    const token = randomUUID();
    await queue.giveBack(token, seqsOf(await heldBy(queue, token, 1)));
    const again = await queue.claim({ token, limit: 1, retriesMax: 9, leaseMs, now: start });
    expect(again).toMatchObject([{ attempts: 1 }]);
  });

  it('gives nothing back that another token holds', async () => {
    const queue = await open();
    const held = await heldBy(queue, randomUUID(), 1);
    await queue.giveBack(randomUUID(), seqsOf(held));
    const now = start + 1_000;
    expect(
      await queue.claim({ token: randomUUID(), limit: 1, retriesMax: 9, leaseMs, now }),
    ).toEqual([]);
  });
}

function describePostponed(open: Open): void {
  const postponed = async (queue: PurchaseQueue) => {
    const token = randomUUID();
    const held = await heldBy(queue, token, 2);
    await queue.postpone(token, seqsOf(held), start + 2_000);
    const claim = (limit: number, retriesMax: number, now: number) =>
      queue.claim({ token: randomUUID(), limit, retriesMax, leaseMs, now });
    return { token, held, claim };
  };

  it('hands out what was postponed when its time has come, and says how often it was', async () => {
    const queue = await open();
    const { held, claim } = await postponed(queue);
    const retryAt = start + 2_000;
    expect(await queue.find(held[0]?.id ?? '')).toMatchObject({ kind: 'queued', retryAt });
    expect(await claim(9, 9, start + 1_999)).toEqual([]);
    const again = await claim(9, 9, start + 2_000);
    expect(idsOf(again)).toEqual(idsOf(held));
    expect(again.map(({ unanswered, attempts }) => [unanswered, attempts])).toEqual([
      ...[
        [1, 1],
        [1, 1],
      ],
    ]);
  });

  it('lets what was postponed keep nobody else waiting', async () => {
    const queue = await open();
    const { held, claim } = await postponed(queue);
    const fresh = newCheckouts(2);
    await queue.accept(fresh);
    expect(idsOf(await claim(1, 0, start + 3_000))).toEqual(idsOf(fresh.slice(0, 1)));
    const both = await claim(1, 1, start + 4_000);
    expect(idsOf(both)).toEqual(idsOf([...held.slice(0, 1), ...fresh.slice(1)]));
  });

  it('postpones nothing that another token holds', async () => {
    const queue = await open();
    const held = await heldBy(queue, randomUUID(), 1);
    await queue.postpone(randomUUID(), seqsOf(held), start);
    expect(await queue.find(held[0]?.id ?? '')).toMatchObject({ retryAt: null });
  });
}

function describeLookUp(open: Open): void {
  it('finds a checkout queued, claimed and decided, and no other', async () => {
    const queue = await open();
    const token = randomUUID();
    const checkout = newCheckout();
    const [answer] = await queue.accept([checkout]);
    const seq = answer?.kind === 'accepted' ? answer.seq : 0;
    expect(await queue.find(checkout.id)).toEqual({ kind: 'queued', seq, retryAt: null });
    const [held] = await queue.claim({ token, limit: 1, retriesMax: 9, leaseMs, now: start });
    expect(await queue.find(checkout.id)).toEqual({ kind: 'queued', seq, retryAt: null });
    await queue.decide(token, [decided(held as ClaimedCheckout, placed)]);
    expect(await queue.find(checkout.id)).toEqual({ kind: 'decided', seq, decision: placed });
    expect(await queue.find(uuidV7(start))).toBeNull();
  });

  it('knows the outcomes of the decided among many', async () => {
    const queue = await open();
    const token = randomUUID();
    const [first, second, third] = await heldBy(queue, token, 3);
    const batch = [
      decided(first as ClaimedCheckout, placed),
      decided(third as ClaimedCheckout, soldOut),
    ];
    await queue.decide(token, batch);
    const asked = [uuidV7(start), ...idsOf([first, second, third] as ClaimedCheckout[])];
    const known = (await queue.outcomes(asked)).toSorted((a, b) => a.seq - b.seq);
    expect(known).toEqual([
      { id: first?.id, seq: first?.seq, decision: placed },
      { id: third?.id, seq: third?.seq, decision: soldOut },
    ]);
    expect(await queue.outcomes([])).toEqual([]);
  });
}
