/** How many processes of each tier this machine carries, from its cores and its memory. */
import type { ServerTier } from '../../scaling/scaling-observation.ts';
import { defaultScalingTunables, type ScalingTunables } from '../../scaling/scaling-tunables.ts';
import { serversWanted } from './settings.ts';

/** What a process needs under load, in bytes, measured with room to spare. */
const workerBytes = 120e6;
const serverBytes = 250e6;
/** Of all memory: the databases, the page cache and other programs need the remainder. */
const workersShare = 0.25;
const serversShare = 0.1;
/** A worker waits for payments most of its time, so a core carries many. */
const workersPerCore = 8;

/**
 * The policy's figures for a machine. `env` may say otherwise: DOORBUSTER_WORKERS_MAX, and how long
 * a fleet that is too large is kept, DOORBUSTER_SCALE_DOWN_SECONDS.
 */
export function scalingForMachine(
  cores: number,
  memoryBytes: number,
  env: Readonly<Record<string, string | undefined>> = {},
): ScalingTunables {
  const { worker, servers, downAfterMs, ...rest } = defaultScalingTunables;
  const fitting = (share: number, each: number) => Math.floor((memoryBytes * share) / each);
  const workers = Math.min(workersPerCore * cores, fitting(workersShare, workerBytes));
  // A request server keeps a core busy by itself, and shares it with databases and workers. On two
  // cores a second gateway took 8 s to boot and what the workers needed to catch up (measured).
  const each = Math.min(Math.floor(cores / 2), fitting(serversShare, serverBytes));
  const serversMax = Math.max(1, each);
  const from = (role: string) => Math.max(1, serversWanted(role, env));
  const workersMax = Number(env['DOORBUSTER_WORKERS_MAX']) || Math.max(1, workers);
  const bounds = (role: string, most: number) => {
    return { serversMin: from(role), serversMax: Math.max(most, from(role)) };
  };
  return {
    ...rest,
    downAfterMs: Number(env['DOORBUSTER_SCALE_DOWN_SECONDS']) * 1_000 || downAfterMs,
    worker: { ...worker, ...bounds('worker', workersMax) },
    servers: {
      gateway: { ...servers.gateway, ...bounds('gateway', serversMax) },
      storefront: { ...servers.storefront, ...bounds('storefront', serversMax) },
      catalog: { ...servers.catalog, ...bounds('catalog', serversMax) },
    },
  };
}

/** Tiers of request servers that are as large as they may ever be. */
export function fixedTiers({ servers }: ScalingTunables): ServerTier[] {
  const tiers = Object.keys(servers) as ServerTier[];
  return tiers.filter((tier) => servers[tier].serversMax <= servers[tier].serversMin);
}
