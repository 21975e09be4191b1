/**
 * Are the copies equal? Every node is asked by itself for every table that a purchase touches: how
 * many rows, and one checksum over all of them, once each has replayed all of the leader's log.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { DatabaseNode } from '../../src/kit/cluster/directory.ts';
import { asSuperuser, type SuperuserAccess } from './superuser.ts';

/** Tables by database, with the columns that order their rows. */
const tables: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  orders: {
    checkouts: 'seq',
    queue: 'seq',
    orders: 'number',
    rejections: 'seq',
    follow_ups: 'id',
  },
  catalog: {
    reservations: 'checkout_id, line',
    stock_movements: 'id',
    variants: 'id',
    products: 'id',
  },
};
const replayMsMax = 60_000;

export interface TableSum {
  readonly table: string;
  readonly rows: number;
  readonly checksum: string;
}

export interface Copy {
  readonly node: string;
  readonly tables: readonly TableSum[];
}

export interface CopiesReport {
  readonly copies: readonly Copy[];
  /** One sentence for each table that is not the same everywhere. */
  readonly differences: readonly string[];
}

/** Reads `leader` and `followers` of a shop at rest. Throws where a follower does not catch up. */
export async function compareCopies(
  leader: DatabaseNode,
  followers: readonly DatabaseNode[],
  access: SuperuserAccess,
): Promise<CopiesReport> {
  const [end] = await asSuperuser(leader, 'postgres', access, (superuser) =>
    superuser.query<{ lsn: string }>('select pg_current_wal_lsn()::text as lsn'),
  );
  for (const follower of followers) await untilReplayed(follower, end?.lsn ?? '0/0', access);
  const copies: Copy[] = [];
  for (const node of [leader, ...followers]) copies.push(await sumUp(node, access));
  return { copies, differences: differencesOf(copies) };
}

async function untilReplayed(
  node: DatabaseNode,
  lsn: string,
  access: SuperuserAccess,
): Promise<void> {
  const sql = 'select coalesce(pg_last_wal_replay_lsn() >= $1::pg_lsn, false) as done';
  const until = performance.now() + replayMsMax;
  await asSuperuser(node, 'postgres', access, async (superuser) => {
    for (;;) {
      const [row] = await superuser.query<{ done: boolean }>(sql, [lsn]);
      if (row?.done === true) return;
      if (performance.now() > until) throw new Error(`${node.id} does not catch up to ${lsn}`);
      await sleep(20);
    }
  });
}

async function sumUp(node: DatabaseNode, access: SuperuserAccess): Promise<Copy> {
  const sums: TableSum[] = [];
  for (const [database, keys] of Object.entries(tables)) {
    await asSuperuser(node, database, access, async (superuser) => {
      for (const [table, key] of Object.entries(keys)) {
        const [row] = await superuser.query<{ rows: number; checksum: string | null }>(
          `select count(*) as rows, md5(string_agg(md5(t::text), '' order by ${key})) as checksum
           from ${table} t`,
        );
        const checksum = row?.checksum ?? 'empty';
        sums.push({ table: `${database}.${table}`, rows: row?.rows ?? -1, checksum });
      }
    });
  }
  return { node: node.id, tables: sums };
}

export function differencesOf([first, ...others]: readonly Copy[]): string[] {
  if (first === undefined) return ['there is no copy at all'];
  return others.flatMap(({ node, tables: sums }) =>
    first.tables.flatMap((expected, index) => {
      const found = sums[index];
      if (found?.rows === expected.rows && found.checksum === expected.checksum) return [];
      return [
        `${expected.table}: ${expected.rows} rows (${expected.checksum}) on ${first.node}, ` +
          `${found?.rows} rows (${found?.checksum}) on ${node}`,
      ];
    }),
  );
}
