/**
 * The rival that everyone has: one transaction per purchase, the same driver, the same database
 * trio. `node plain-sql.ts '<JSON>'` prints one line of JSON.
 */
import { randomUUID } from 'node:crypto';
import pg from 'pg';

export interface PlainSqlLoad {
  readonly port: number;
  readonly password: string;
  readonly connections: number;
  readonly seconds: number;
}

const schema = `
drop table if exists plain_orders; drop table if exists plain_stock;
create table plain_stock (sku text primary key, available int not null check (available >= 0));
create table plain_orders (id uuid primary key, sku text not null, request json not null,
  placed_at timestamptz not null default now());
insert into plain_stock values ('HOT', 100000000);`;

const request = JSON.stringify({ email: 'ada@example.com', address: 'x'.repeat(150) });

async function run(load: PlainSqlLoad): Promise<{ ordersPerSecond: number }> {
  const pool = new pg.Pool({
    host: '127.0.0.1',
    port: load.port,
    user: 'postgres',
    password: load.password,
    database: 'plain_sql',
    max: load.connections,
  });
  await pool.query(schema);
  const until = performance.now() + load.seconds * 1_000;
  const started = performance.now();
  let orders = 0;
  const buyer = async (): Promise<void> => {
    const client = await pool.connect();
    while (performance.now() < until) {
      await client.query('begin');
      await client.query(
        'update plain_stock set available = available - 1 where sku = $1 and available > 0',
        ['HOT'],
      );
      await client.query('insert into plain_orders (id, sku, request) values ($1, $2, $3)', [
        randomUUID(),
        'HOT',
        request,
      ]);
      await client.query('commit');
      orders += 1;
    }
    client.release();
  };
  await Promise.all(Array.from({ length: load.connections }, buyer));
  const ordersPerSecond = orders / ((performance.now() - started) / 1_000);
  await pool.end();
  return { ordersPerSecond };
}

if (process.argv[1] === import.meta.filename) {
  process.stdout.write(`${JSON.stringify(await run(JSON.parse(process.argv[2] ?? '{}')))}\n`);
}
