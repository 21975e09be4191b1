/**
 * Three rules that do well in the course assignment. Each is given for one tier in its source;
 * the other tier gets the closest equivalent, so that no tier starves by omission.
 */
import type { FleetPolicy, FleetSize, ShopView, TierView } from '../fleet-policy.ts';

/** How long a server waits for the next request before it calls the poll empty. */
const pollMs = 500;

function fleet(tier: TierView): number {
  return tier.ready + tier.booting;
}

/** Out when more than `factor` requests wait per server, one at a time; in when one idles. */
export function queuePerServer(factor: number, idleMs: number): FleetPolicy {
  const next = (tier: TierView) => {
    if (tier.waiting > factor * fleet(tier)) return fleet(tier) + 1;
    return fleet(tier) - tier.idleFor(idleMs);
  };
  const decide = (view: ShopView): FleetSize => ({
    gateways: next(view.gateway),
    workers: next(view.worker),
  });
  return { name: 'queue per server', periodMs: 100, decide };
}

/** Gateways out when the line is long, workers out after drops, both in after empty polls. */
export function dropsAndPolls(factor: number, drops: number, emptyPolls: number): FleetPolicy {
  let dropsSeen = 0;
  const decide = ({ gateway, worker }: ShopView): FleetSize => {
    const longLine = gateway.waiting > factor * fleet(gateway);
    const surplusGateways = gateway.idleFor(emptyPolls * pollMs);
    const surplusWorkers = worker.idleFor(emptyPolls * pollMs);
    let workers = fleet(worker) - surplusWorkers;
    // The count starts again with each server ordered, so three drops order one server.
    if (worker.droppedTotal - dropsSeen >= drops) {
      workers = fleet(worker) + Math.floor((worker.droppedTotal - dropsSeen) / drops);
      dropsSeen = worker.droppedTotal;
    }
    const gateways = longLine ? fleet(gateway) + 1 : fleet(gateway) - surplusGateways;
    return { gateways, workers };
  };
  return { name: 'drops and polls', periodMs: 100, decide };
}

/** After two long lines in a row two servers start; after three empty polls one stops. */
export function twoLongQueues(emptyPolls: number): FleetPolicy {
  const tier = () => {
    let longLines = 0;
    return (view: TierView) => {
      longLines = view.waiting > fleet(view) ? longLines + 1 : 0;
      if (longLines >= 2) {
        longLines = 0;
        return fleet(view) + 2;
      }
      return view.idleFor(emptyPolls * pollMs) > 0 ? fleet(view) - 1 : fleet(view);
    };
  };
  const [gateways, workers] = [tier(), tier()];
  const decide = (view: ShopView): FleetSize => ({
    gateways: gateways(view.gateway),
    workers: workers(view.worker),
  });
  return { name: 'two long queues', periodMs: pollMs, decide };
}
