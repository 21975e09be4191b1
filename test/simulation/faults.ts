/** What goes wrong at random times: one fault after the other, each drawn by the seed. */
import { exponential, logUniform, type Random, uniformInteger } from '../../eval/scaling/random.ts';
import type { ShopWorld } from './shop-world.ts';
import type { SimulatedServer } from './simulated-network.ts';
import type { SimulatedProcess } from './simulated-process.ts';

type Fault = (world: ShopWorld) => void;

const pauseMs = [500, 40_000] as const;
const outageMs = [100, 15_000] as const;
const stormMs = [500, 10_000] as const;

const faults: readonly Fault[] = [
  (world) => kill(world, pick(world.random, processesOf(world))),
  (world) => kill(world, pick(world.random, processesOf(world))),
  (world) => pause(world, pick(world.random, processesOf(world))),
  (world) => pause(world, pick(world.random, processesOf(world))),
  stopWorker,
  (world) => outage(world, world.orders.server),
  (world) => outage(world, world.catalog),
  (world) => outage(world, world.providerServer),
  (world) => stall(world, world.orders.server),
  (world) => stall(world, world.catalog),
  (world) => stall(world, world.catalog),
  (world) => stall(world, world.providerServer),
  diskFull,
  storm,
];

/** Makes faults until `isOver`. */
export function startFaults(world: ShopWorld, isOver: () => boolean): void {
  const { scheduler, random, scenario } = world;
  if (scenario.faultEveryMs === Infinity) return;
  const next = (): void => {
    scheduler.after(exponential(random, scenario.faultEveryMs), () => {
      if (isOver()) return;
      pick(random, faults)?.(world);
      next();
    });
  };
  next();
}

function processesOf({ workers, gateways, ordersSlots }: ShopWorld): SimulatedProcess[] {
  const services = ordersSlots.map(({ service }) => service);
  const all = [...workers, ...gateways, ...services];
  return all.flatMap((each) => (each === null ? [] : [each.process]));
}

function pick<T>(random: Random, items: readonly T[]): T | undefined {
  return items[uniformInteger(random, 0, items.length - 1)];
}

function kill(world: ShopWorld, process: SimulatedProcess | undefined): void {
  if (process === undefined) return;
  world.trace(`fault: kill ${process.name}`);
  process.kill();
}

function pause(world: ShopWorld, process: SimulatedProcess | undefined): void {
  if (process === undefined) return;
  const ms = logUniform(world.random, ...pauseMs);
  world.trace(`fault: pause ${process.name} for ${Math.round(ms)} ms`);
  process.pause();
  world.scheduler.after(ms, () => process.resume());
}

function stopWorker(world: ShopWorld): void {
  const worker = pick(world.random, world.workers);
  if (worker === null || worker === undefined) return;
  world.trace(`fault: stop ${worker.process.name} in order`);
  worker.stop();
}

function outage(world: ShopWorld, server: SimulatedServer): void {
  if (!server.isUp) return;
  const ms = logUniform(world.random, ...outageMs);
  world.trace(`fault: ${server.name} down for ${Math.round(ms)} ms`);
  server.isUp = false;
  world.scheduler.after(ms, () => {
    server.isUp = true;
  });
}

/** Its callers lose patience, but what they sent is carried out when it goes on. */
function stall(world: ShopWorld, server: SimulatedServer): void {
  const ms = logUniform(world.random, ...pauseMs);
  world.trace(`fault: ${server.name} stalls for ${Math.round(ms)} ms`);
  server.stalledUntil = world.scheduler.now + ms;
}

function diskFull(world: ShopWorld): void {
  const ms = logUniform(world.random, ...outageMs);
  world.trace(`fault: no write to ${world.orders.server.name} for ${Math.round(ms)} ms`);
  world.orders.refusesWrites = true;
  world.scheduler.after(ms, () => {
    world.orders.refusesWrites = false;
  });
}

/** For a while the network is at its worst. */
function storm(world: ShopWorld): void {
  const { network, random, scheduler, scenario } = world;
  const ms = logUniform(random, ...stormMs);
  world.trace(`fault: storm for ${Math.round(ms)} ms`);
  const worst = {
    ...scenario.network,
    late: 0.3,
    requestLost: 0.3,
    replyLost: 0.3,
    duplicated: 0.3,
  };
  network.conditions = worst;
  scheduler.after(ms, () => {
    if (network.conditions === worst) network.conditions = scenario.network;
  });
}
