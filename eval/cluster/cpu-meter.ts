/** CPU seconds by role, read from /proc: services by their pid, databases by their port. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import type { ClusterState } from '../../src/kit/cluster/directory.ts';

const ticksPerSecond = 100;

export type CpuByRole = Readonly<Record<string, number>>;

function cpuSeconds(pid: string): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

function portOf(dataDirectory: string): number {
  const lines = readFileSync(path.join(dataDirectory, 'postmaster.pid'), 'utf8').split('\n');
  return Number(lines[3]);
}

/** CPU seconds that living processes of the cluster have used so far, by process and role. */
function sample(cluster: ClusterState): Map<string, { role: string; seconds: number }> {
  const roles = new Map(cluster.services.map((service) => [String(service.pid), service.role]));
  const leader = cluster.database.leader?.port;
  const ports = new Set([leader, ...cluster.database.followers.map((node) => node.port)]);
  const found = new Map<string, { role: string; seconds: number }>();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      let role = roles.get(pid);
      if (role === undefined && readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('postgres')) {
        const port = portOf(readlinkSync(`/proc/${pid}/cwd`));
        if (ports.has(port)) role = port === leader ? 'database leader' : 'database followers';
      }
      if (role !== undefined) found.set(pid, { role, seconds: cpuSeconds(pid) });
    } catch {
      // gone meanwhile, or not ours to look into
    }
  }
  return found;
}

export class CpuMeter {
  readonly #cluster: () => ClusterState;
  readonly #before: ReturnType<typeof sample>;

  constructor(cluster: () => ClusterState) {
    this.#cluster = cluster;
    this.#before = sample(cluster());
  }

  /** CPU seconds by role since this meter was made. */
  read(): CpuByRole {
    const sums: Record<string, number> = {};
    for (const [pid, { role, seconds }] of sample(this.#cluster())) {
      const spent = seconds - (this.#before.get(pid)?.seconds ?? 0);
      sums[role] = (sums[role] ?? 0) + spent;
    }
    return sums;
  }
}
