import { describe, expect, it } from 'vitest';
import { createLog } from '../../kit/log.ts';
import type { ScalingObservation, TierName } from '../../scaling/scaling-observation.ts';
import { defaultScalingTunables } from '../../scaling/scaling-tunables.ts';
import type { ScheduledFloor } from '../../scaling/scheduled-floor.ts';
import { Scaler } from './scaler.ts';

const tickMs = 250;
const ratePerWorker = 200;

/** A fleet whose processes are ready when the test says so. */
class ToldFleet {
  readonly log: string[] = [];
  readonly ids: string[] = ['worker-1'];
  readonly #booting = new Map<string, (id: string) => void>();
  parked = 0;

  count(role: string): number {
    return role === 'worker' ? this.ids.length : 1;
  }

  get ready(): number {
    return this.ids.length - this.#booting.size;
  }

  youngestFirst(role: string): readonly string[] {
    return role === 'worker' ? this.ids.toReversed() : [`${role}-1`];
  }

  start(role: string): Promise<string> {
    const id = `${role}-${this.log.length + 2}`;
    this.log.push(`start ${id}`);
    this.ids.push(id);
    return new Promise((resolve) => this.#booting.set(id, resolve));
  }

  async drain(id: string): Promise<void> {
    this.log.push(`drain ${id}`);
    this.ids.splice(this.ids.indexOf(id), 1);
  }

  park(): void {
    this.parked = 1;
  }

  async boot(): Promise<void> {
    for (const [id, resolve] of this.#booting) resolve(id);
    this.#booting.clear();
  }
}

class World {
  readonly fleet = new ToldFleet();
  readonly boots: number[] = [];
  floors: readonly ScheduledFloor[] = [];
  now = 1_000_000;
  fails: Error | null = null;
  workersAreUnknown = false;
  arrivedTotal = 0;
  doneTotal = 0;
  readonly scaler = new Scaler({
    fleet: this.fleet,
    observer: {
      observe: async () => this.#observe(),
      bootEnded: (_tier: TierName, ms: number) => this.boots.push(ms),
    },
    floors: () => this.floors,
    tunables: defaultScalingTunables,
    log: createLog('test', 'silent'),
    now: () => this.now,
  });

  #observe(): ScalingObservation {
    if (this.fails !== null) throw this.fails;
    const { ready } = this.fleet;
    const worker = {
      ready,
      booting: this.fleet.ids.length - ready,
      bootsMs: [],
      busyMsTotal: (this.doneTotal / ratePerWorker) * 1_000,
      arrivedTotal: this.arrivedTotal,
      doneTotal: this.doneTotal,
      backlog: this.arrivedTotal - this.doneTotal,
      oldestAgeMs: 0,
      batchFullness: 1,
      busyShare: 1,
    };
    const nothing = { gateway: null, storefront: null, catalog: null };
    return { worker: this.workersAreUnknown ? null : worker, ...nothing };
  }

  /** `seconds` at so many arrivals a second, worked off at once as far as the workers can. */
  async pass(seconds: number, arrivalsPerSecond: number): Promise<void> {
    for (let tick = 0; tick < (seconds * 1_000) / tickMs; tick += 1) {
      this.now += tickMs;
      this.arrivedTotal += (arrivalsPerSecond * tickMs) / 1_000;
      const able = (this.fleet.ready * ratePerWorker * tickMs) / 1_000;
      this.doneTotal = Math.min(this.arrivedTotal, this.doneTotal + able);
      await this.scaler.step();
    }
  }
}

describe('the scaler', () => {
  it('starts what is decided, once, however long a boot takes', async () => {
    const world = new World();
    await world.pass(10, 20);
    expect(world.fleet.log).toEqual([]);
    world.floors = [
      { tier: 'worker', servers: 4, startsAt: 0, endsAt: world.now + 3_600_000, name: 'a drop' },
    ];
    await world.pass(5, 20);
    expect(world.fleet.log).toHaveLength(3);
    expect(world.scaler.decisions).toHaveLength(1);
    const [decision] = world.scaler.decisions;
    expect(decision).toMatchObject({ tier: 'worker', from: 1, to: 4 });
    expect(decision?.why).toContain('a drop asks for at least 4');
    await world.fleet.boot();
    await world.pass(1, 20);
    expect(world.boots).toEqual(Array(3).fill(5_000 - tickMs));
  });

  it('follows a crowd up at once, and down by draining the youngest first', async () => {
    const world = new World();
    await world.pass(5, 20);
    await world.pass(3, 900);
    await world.fleet.boot();
    await world.pass(20, 900);
    await world.fleet.boot();
    const started = world.fleet.ids.slice(1);
    expect(started.length).toBeGreaterThanOrEqual(4);
    const before = world.fleet.log.length;
    await world.pass(90, 0);
    const drained = world.fleet.log.slice(before);
    expect(drained).toEqual(started.toReversed().map((id) => `drain ${id}`));
    expect(world.fleet.ids).toEqual(['worker-1']);
  });

  it('scales nothing when it cannot look, and goes on when it can', async () => {
    const world = new World();
    await world.pass(5, 20);
    world.fails = new Error('no answer');
    await world.pass(10, 2_000);
    expect(world.fleet.log).toEqual([]);
    world.fails = null;
    world.workersAreUnknown = true;
    await world.pass(10, 2_000);
    expect(world.fleet.log).toEqual([]);
    world.workersAreUnknown = false;
    await world.pass(2, 2_000);
    expect(world.fleet.log).toContain('start worker-2');
  });

  it('keeps the latest decisions only', async () => {
    const world = new World();
    for (let sale = 0; sale < 120; sale += 1) {
      const endsAt = world.now + 1_000;
      world.floors = [{ tier: 'worker', servers: 2, startsAt: 0, endsAt, name: `sale ${sale}` }];
      await world.pass(1, 1);
      await world.fleet.boot();
      await world.pass(62, 1);
    }
    expect(world.scaler.decisions.length).toBe(200);
    expect(world.scaler.decisions.at(-2)?.why).toContain('sale 119');
  });

  it('asks for a spare only when no rush needs the processor', async () => {
    const world = new World();
    await world.pass(1, 1);
    expect(world.fleet.parked).toBe(1);
    world.fleet.parked = 0;
    world.floors = [
      { tier: 'worker', servers: 2, startsAt: 0, endsAt: world.now + 60_000, name: 'a drop' },
    ];
    await world.pass(1, 1);
    world.fleet.parked = 0;
    await world.pass(1, 1);
    expect(world.fleet.parked).toBe(0);
    await world.pass(2, 1);
    expect(world.fleet.parked).toBe(1);
  });
});
