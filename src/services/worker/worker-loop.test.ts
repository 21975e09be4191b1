import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type Answer,
  approves,
  declines,
  Hiccup,
  neverAnswers,
  says,
  WorkerWorld,
} from '../../../test/worker/worker-world.ts';
import { gatherCount } from './claim-pace.ts';
import { workerLimits } from './ports.ts';
import { nextBatchLimit, WorkerLoop } from './worker-loop.ts';

describe('the size of the next claim', () => {
  const { batchMin, batchMax } = workerLimits;
  const next = (limit: number, claimed: number) => nextBatchLimit(limit, claimed, workerLimits);

  it('doubles with a full claim, up to the most', () => {
    expect(next(64, 64)).toBe(128);
    expect(next(batchMax, batchMax)).toBe(batchMax);
  });

  it('halves when less than a quarter came, down to the least', () => {
    expect(next(256, 63)).toBe(128);
    expect(next(256, 64)).toBe(256);
    expect(next(batchMin, 0)).toBe(batchMin);
  });

  it('keeps within its limits whatever comes, and reaches the most under a backlog', () => {
    const property = fc.property(fc.array(fc.nat({ max: 2_000 })), (backlogs) => {
      let limit = batchMin;
      for (const backlog of backlogs) {
        limit = next(limit, Math.min(limit, backlog));
        expect(limit).toBeGreaterThanOrEqual(batchMin);
        expect(limit).toBeLessThanOrEqual(batchMax);
      }
      for (let claims = 0; claims < 8; claims += 1) limit = next(limit, limit);
      expect(limit).toBe(batchMax);
    });
    fc.assert(property);
  });
});

const loops: { loop: WorkerLoop; world: WorkerWorld }[] = [];

function startLoop(world: WorkerWorld): WorkerLoop {
  const loop = new WorkerLoop(world.ports, world.limits);
  loops.push({ loop, world });
  loop.start();
  return loop;
}

/** Stops, and lets the time pass that stopping takes. */
async function stop(loop: WorkerLoop, world: WorkerWorld, drainMs: number): Promise<void> {
  const stopped = loop.stop(drainMs);
  await world.time.pass(drainMs + 1_000);
  await stopped;
}

afterEach(async () => {
  for (const { loop, world } of loops.splice(0)) await stop(loop, world, 0);
});

describe('a worker', () => {
  it('takes what waits when it starts, and what it is notified of, without waiting', async () => {
    const world = new WorkerWorld();
    const [early] = await world.accept('tok_ok');
    const loop = startLoop(world);
    await world.time.pass(0);
    expect(await world.fate(early)).toBe('placed');
    const [late] = await world.accept('tok_ok');
    loop.notify();
    await world.time.pass(0);
    expect(await world.fate(late)).toBe('placed');
  });

  it('lets purchases gather while the processors are full, and forgets none of them', async () => {
    const world = new WorkerWorld();
    world.processorsAreFull = true;
    await world.accept('tok_ok');
    const loop = startLoop(world);
    await world.time.pass(0);
    const late = await world.accept('tok_ok', 'tok_ok');
    loop.notify();
    await world.time.pass(199);
    expect(world.stock.asked).toHaveLength(1);
    await world.time.pass(1);
    expect(world.stock.asked.slice(1)).toEqual([late.map(({ id }) => id)]);
    expect(await world.fate(late[1])).toBe('placed');
  });

  it('claims as soon as it was notified of enough that gathered', async () => {
    const world = new WorkerWorld();
    world.processorsAreFull = true;
    await world.accept('tok_ok');
    const loop = startLoop(world);
    await world.time.pass(0);
    const late = await world.accept(...Array.from({ length: gatherCount }, () => 'tok_ok'));
    loop.notify(gatherCount - 1);
    await world.time.pass(0);
    expect(world.stock.asked).toHaveLength(1);
    loop.notify(1);
    await world.time.pass(0);
    expect(await world.fate(late[0])).toBe('placed');
  });

  it('lets nothing gather where it could not pay what gathers', async () => {
    const world = new WorkerWorld({ paymentsInFlightMax: 2 });
    world.processorsAreFull = true;
    const slowly: Answer = async (charge) => {
      await world.time.sleep(200);
      return approves(charge, new AbortController().signal);
    };
    world.payments.answers.set('tok_slow', slowly);
    await world.accept('tok_slow');
    const loop = startLoop(world);
    await world.time.pass(250);
    await world.accept('tok_slow');
    loop.notify();
    await world.time.pass(0);
    await world.accept('tok_slow');
    loop.notify();
    await world.time.pass(world.limits.decideEveryMsMax);
    expect(world.stock.asked).toHaveLength(3);
  });

  it('looks by itself where no notification came', async () => {
    const world = new WorkerWorld();
    startLoop(world);
    await world.time.pass(0);
    const [checkout] = await world.accept('tok_ok');
    await world.time.pass(world.limits.idlePollMs - 1);
    expect(await world.fate(checkout)).toBe('queued');
    await world.time.pass(1);
    expect(await world.fate(checkout)).toBe('placed');
  });

  it('sends no more batches through the databases than it may, and then the next', async () => {
    const world = new WorkerWorld({ batchMin: 1, batchMax: 1, batchesInFlightMax: 1 });
    const answers: (() => void)[] = [];
    const reserve = world.stock.reserve.bind(world.stock);
    world.stock.reserve = async (batch) => {
      await new Promise<void>((resolve) => answers.push(resolve));
      return reserve(batch);
    };
    const checkouts = await world.accept('tok_ok', 'tok_ok');
    const loop = startLoop(world);
    await world.time.pass(1_000);
    expect(loop.checkoutsHeld).toBe(1);
    expect(answers.length).toBe(1);
    answers[0]?.();
    await world.time.pass(1_000);
    expect(await world.fate(checkouts[0])).toBe('placed');
    expect(answers.length).toBe(2);
    answers[1]?.();
    await world.time.pass(1_000);
    expect(await world.fate(checkouts[1])).toBe('placed');
  });

  it('goes on past a batch that only waits for slow payments', async () => {
    const world = new WorkerWorld({ batchMin: 1, batchMax: 1, batchesInFlightMax: 1 });
    world.payments.answers.set('tok_timeout', neverAnswers);
    const checkouts = await world.accept('tok_timeout', 'tok_timeout', 'tok_ok');
    const loop = startLoop(world);
    await world.time.pass(1_000);
    expect(await world.fate(checkouts[2])).toBe('placed');
    expect(await world.fate(checkouts[0])).toBe('queued');
    expect(loop.checkoutsHeld).toBe(2);
  });

  it('leaves to others what it cannot pay soon', async () => {
    const world = new WorkerWorld({ paymentsInFlightMax: 10 });
    world.payments.answers.set('tok_ok', async ({ key }) => {
      await world.time.sleep(200);
      return { kind: 'approved', paymentId: key };
    });
    await world.accept(...Array<string>(300).fill('tok_ok'));
    const loop = startLoop(world);
    for (let tick = 0; tick < 100; tick += 1) {
      await world.time.pass(20);
      expect(loop.checkoutsHeld).toBeLessThanOrEqual(30); // 10 under way, 400 ms of work in line
      expect(loop.paymentsInFlight).toBeGreaterThan(0);
    }
    const [placed, able] = [world.announced.length, (10 * 2_000) / 200];
    expect(placed).toBeGreaterThan(able * 0.7);
    expect(placed / (loop.paymentsBusyMs / 1_000)).toBeCloseTo(50, -1);
  });

  it('claims few while the provider is down, and all after its first answer', async () => {
    const world = new WorkerWorld({ unansweredBuyersMax: 2, probesMax: 1, paymentAsksMax: 1 });
    world.payments.answers.set('tok_dead', neverAnswers);
    await world.accept('tok_dead', 'tok_dead', 'tok_dead');
    const loop = startLoop(world);
    await world.time.pass(world.limits.paymentDeadlineMs);
    const later = await world.accept(...Array<string>(9).fill('tok_dead'));
    loop.notify();
    await world.time.pass(1_000);
    expect(loop.checkoutsHeld).toBe(1);
    world.payments.answers.clear();
    await world.time.pass(world.limits.paymentDeadlineMs);
    expect(await world.fate(later[8])).toBe('placed');
  });

  it.each([1, 40])(
    'serves honest buyers while payments of %i buyers are dead',
    async (attackers) => {
      const world = new WorkerWorld({ paymentsInFlightMax: 64 });
      world.payments.answers.set('tok_timeout', neverAnswers);
      const dead = Array<string>(40).fill('tok_timeout');
      const attack = await world.accept(...dead);
      for (const [index, { request }] of attack.entries()) {
        Object.assign(request, { email: `mallory+${index % attackers}@example.com` });
      }
      const loop = startLoop(world);
      const waits: number[] = [];
      for (let second = 0; second < 60; second += 1) {
        const [honest] = await world.accept('tok_ok');
        loop.notify(1);
        let waited = 0;
        for (; (await world.fate(honest)) === 'queued' && waited < 5_000; waited += 25) {
          await world.time.pass(25);
        }
        waits.push(waited);
        await world.time.pass(Math.max(0, 1_000 - waited));
      }
      expect(Math.max(...waits)).toBeLessThanOrEqual(100);
      const fates = await Promise.all(attack.map((each) => world.fate(each)));
      expect(new Set(fates)).toEqual(new Set(['payment-timeout']));
      expect(world.payments.charges).toHaveLength(60 + 3 * 40);
    },
  );

  it('tries again where the queue cannot be reached', async () => {
    const world = new WorkerWorld();
    const { queue } = world;
    const claim = queue.claim.bind(queue);
    let failures = 3;
    queue.claim = async (request) => {
      failures -= 1;
      if (failures >= 0) throw new Hiccup();
      return claim(request);
    };
    const [checkout] = await world.accept('tok_ok');
    startLoop(world);
    await world.time.pass(2_000);
    expect(await world.fate(checkout)).toBe('placed');
  });

  it('finishes what it can when it stops, gives back the others, claims nothing new', async () => {
    const world = new WorkerWorld();
    world.payments.answers.set('tok_timeout', neverAnswers);
    world.payments.answers.set('tok_slow', async ({ key }) => {
      await world.time.sleep(500);
      return { kind: 'approved', paymentId: key };
    });
    const [stuck, slow] = await world.accept('tok_timeout', 'tok_slow');
    const loop = startLoop(world);
    await world.time.pass(10);
    const stopped = loop.stop(2_500);
    const [late] = await world.accept('tok_ok');
    await world.time.pass(3_000);
    await stopped;
    expect(await world.fate(slow)).toBe('placed');
    expect([await world.fate(stuck), await world.fate(late)]).toEqual(['queued', 'queued']);
    const claimed = await world.queue.claim({
      ...{ token: 'another', limit: 9, retriesMax: 9, leaseMs: 1, now: world.time.now() },
    });
    expect(claimed.map(({ id }) => id)).toEqual([stuck?.id, late?.id]);
  });
});

describe('what follows from decisions', () => {
  it('is carried out and then forgotten: releases, voids and refunds', async () => {
    const world = new WorkerWorld({ paymentAsksMax: 1 });
    world.payments.answers.set('tok_declined', declines).set('tok_lost', says('no answer'));
    const [declined, lost, paid] = await world.accept('tok_declined', 'tok_lost', 'tok_ok');
    startLoop(world);
    await world.time.pass(2_000);
    world.queue.follow(paid?.id ?? '', 'refund');
    await world.time.pass(1_000);
    expect(world.stock.released.toSorted()).toEqual([declined?.id, lost?.id].toSorted());
    expect(world.payments.voided).toEqual([lost?.id]);
    expect(world.payments.refunded).toEqual([paid?.id]);
    expect(world.pending()).toEqual([]);
  });

  it('empties the cart that was bought, and none whose purchase was declined', async () => {
    const world = new WorkerWorld();
    world.payments.answers.set('tok_declined', declines);
    const checkouts = await world.accept('tok_ok', 'tok_declined');
    const carts = checkouts.map(({ id }) => ({ key: `cart of ${id}`, version: id }));
    for (const [at, { request }] of checkouts.entries()) {
      Object.assign(request, { cart: carts[at] });
    }
    startLoop(world);
    await world.time.pass(2_000);
    expect(world.emptied).toEqual([carts[0]]);
    expect(world.pending()).toEqual([]);
  });

  it('buys a cart for the second who asked as soon as the first was declined', async () => {
    const world = new WorkerWorld({ idlePollMs: 900, cartWaitMs: 200 });
    world.payments.answers.set('tok_declined', declines);
    const checkouts = await world.accept('tok_declined', 'tok_ok');
    for (const { request } of checkouts) {
      Object.assign(request, { cart: { key: 'key', version: 'version' } });
    }
    startLoop(world);
    await world.time.pass(world.limits.cartWaitMs + 100);
    const found = await Promise.all(checkouts.map((each) => world.fate(each)));
    expect(found).toEqual(['payment-declined', 'placed']);
  });

  it('holds nothing else up where it fails, and is tried again until it is done', async () => {
    const world = new WorkerWorld();
    const checkouts = await world.accept('tok_ok', 'tok_ok', 'tok_ok');
    const [stubborn = '', ...others] = checkouts.map(({ id }) => id);
    let isStubborn = true;
    world.payments.failsToVoid = (key) => isStubborn && key === stubborn;
    for (const id of [stubborn, ...others]) {
      world.queue.follow(id, 'void');
      world.queue.follow(id, 'release');
    }
    startLoop(world);
    await world.time.pass(1_000);
    expect(world.payments.voided.toSorted()).toEqual(others.toSorted());
    expect(world.pending()).toEqual([`void ${stubborn}`]);
    expect(world.reports).toContain('follow-up-failed');
    isStubborn = false;
    await world.time.pass(30_000);
    expect(world.pending()).toEqual([]);
    expect(world.payments.voided.filter((id) => id === stubborn)).toHaveLength(1);
    expect(world.stock.released).toHaveLength(3);
  });

  it('is left alone, and reported, where its kind is not known: it moves no money', async () => {
    const world = new WorkerWorld();
    const [paid] = await world.accept('tok_ok');
    startLoop(world);
    await world.time.pass(1_000);
    const claimFollowUps = world.queue.claimFollowUps.bind(world.queue);
    world.queue.claimFollowUps = async (...claim) => {
      const due = await claimFollowUps(...claim);
      return due.map((each) => ({ ...each, kind: 'unknown' as const }));
    };
    world.queue.follow(paid?.id ?? '', 'refund');
    await world.time.pass(1_000);
    expect([world.payments.refunded, world.payments.voided, world.stock.released]).toEqual([
      ...[[], [], []],
    ]);
    expect(world.reports).toContain('follow-up-failed');
    expect(world.pending()).toEqual([`refund ${paid?.id}`]);
  });
});
