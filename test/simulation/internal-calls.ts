/** A gateway's calls to the other services, over the simulated network. */

import { uniformInteger } from '../../eval/scaling/random.ts';
import { cartsToBuy } from '../../src/api/internal/customers-routes.ts';
import type { StaticDirectory } from '../../src/kit/cluster/directory.ts';
import type { CallOptions, InternalClient } from '../../src/kit/http/internal-client.ts';
import { unavailable } from '../../src/kit/http/problem.ts';
import type { Route } from '../../src/kit/http/route.ts';
import type { ShopWorld } from './shop-world.ts';
import type { SimulatedProcess } from './simulated-process.ts';
import { SimulatedStream } from './simulated-stream.ts';

type Options = CallOptions<Route>;

export function clientOf(
  world: ShopWorld,
  process: SimulatedProcess,
  directory: StaticDirectory,
): InternalClient {
  const { network, random } = world;
  const call = async (route: Route, options: Options): Promise<unknown> => {
    const deadlineMs = Math.min(options.deadlineMs ?? Infinity, world.scenario.callDeadlineMs);
    if (route === cartsToBuy) {
      const { ids } = options.body as { readonly ids: readonly string[] };
      return network.call(process, world.customers, deadlineMs, async () => {
        return { carts: ids.map((id) => world.cartToBuy(id)) };
      });
    }
    const listed = directory.instances('orders');
    const chosen = listed[uniformInteger(random, 0, listed.length - 1)];
    if (chosen === undefined) throw unavailable('no orders service is ready');
    const slot = world.ordersOf(chosen.url);
    return network.call(process, slot.server, deadlineMs, () => slot.ask(route, options));
  };
  const stream: InternalClient['stream'] = async (instance, _path, signal) => {
    const { server, attach } = world.ordersOf(instance.url);
    const opened: SimulatedStream[] = [];
    let chosen: SimulatedStream | 'none' | null = null;
    // a request that was delivered twice, or too late: nobody reads its answer
    const breakOthers = (): void => {
      for (const each of opened) if (chosen !== null && each !== chosen) each.break();
    };
    const open = async (): Promise<SimulatedStream> => {
      const made = await attach(
        (writer) => new SimulatedStream(network, writer, process),
        process.name,
      );
      opened.push(made);
      breakOthers();
      return made;
    };
    try {
      chosen = await network.call(process, server, world.scenario.callDeadlineMs, open);
    } catch (error) {
      chosen = 'none';
      throw error;
    } finally {
      breakOthers();
    }
    const made = chosen;
    signal.addEventListener('abort', () => made.break());
    return made;
  };
  return { call, stream } as unknown as InternalClient;
}
