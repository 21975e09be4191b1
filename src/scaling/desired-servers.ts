import type { Recommendation } from './desired-workers.ts';
import { figure } from './format-figure.ts';

/**
 * What the recommendation for request-serving processes (gateway, storefront, catalog) is made
 * from.
 */
export interface ServerDemand {
  /** Expected requests. */
  readonly requestsPerSecond: number;
  readonly readyServers: number;
  /** Measured: requests per second of a busy event loop. */
  readonly requestsPerBusySecond: number;
  /** Mean event-loop utilisation of the ready servers, 0 to 1, smoothed over some seconds. */
  readonly utilization: number;
}

export interface ServerSizeTunables {
  /** Spare capacity in standard deviations of the requests of one second. */
  readonly spareSigmas: number;
  /** And in servers, alike for a small fleet and a large one. */
  readonly spareServers: number;
  /** How busy an event loop may be while it still answers quickly, 0 to 1. */
  readonly utilizationTarget: number;
  /** At this an event loop is full: it hides how much more is waiting behind it. */
  readonly utilizationFull: number;
}

/** The need of a full tier cannot be measured, so it grows by this factor, once for every boot. */
const growthWhenFull = 1.5;

/** The request servers that we would like to have, in fractions. */
export function desiredServers(demand: ServerDemand, tunables: ServerSizeTunables): Recommendation {
  const { requestsPerSecond, readyServers, requestsPerBusySecond, utilization } = demand;
  const spare = tunables.spareSigmas * Math.sqrt(requestsPerSecond);
  const each = requestsPerBusySecond * tunables.utilizationTarget;
  const byRate = (requestsPerSecond + spare) / each + tunables.spareServers;
  const byBusyness = (readyServers * utilization) / tunables.utilizationTarget;
  const percent = figure(utilization * 100);
  if (utilization >= tunables.utilizationFull && byRate < readyServers * growthWhenFull) {
    const servers = readyServers * growthWhenFull;
    return {
      servers,
      why: `event loops ${percent} % busy hide what waits behind them, so ${figure(servers)}`,
    };
  }
  return {
    servers: Math.max(byRate, byBusyness),
    why:
      `${figure(requestsPerSecond)} requests/s and ${figure(spare)}/s spare, ` +
      `${figure(each)}/s each, event loops ${percent} % busy, ` +
      `need ${figure(Math.max(byRate, byBusyness))}`,
  };
}
