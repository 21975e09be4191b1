/** A shop that is encrypted inside: it sells, fails over, and refuses who shows no certificate. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type RunningShop, startShop } from '../../eval/cluster/running-shop.ts';
import { ShopClient } from '../../eval/cluster/shop-client.ts';
import { type InternalTls, readIdentity } from '../../src/kit/cluster/internal-tls.ts';
import { backUp } from '../../src/services/supervisor/backup/backup.ts';
import { processesIn } from '../../src/services/supervisor/process-table.ts';

const sku = 'TLS-1';
const catalog =
  'Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Option1 Name,Option1 Value,Variant SKU,' +
  'Variant Inventory Qty,Variant Price\n' +
  `toy,Toy,<p>x</p>,v,t,,TRUE,Title,Default Title,${sku},9,5.00\n`;
const retryMsMax = 20_000;

let shop: RunningShop;
let tls: InternalTls;

beforeAll(async () => {
  shop = await startShop({ empty: true, env: { DOORBUSTER_INTERNAL_TLS: 'on' } });
  tls = readIdentity(shop.cluster().tlsFolder ?? '');
  const owner = new ShopClient(shop.url);
  await owner.signIn('owner@localhost', shop.secrets().ownerPassword);
  expect((await owner.importCsv(catalog)).body).toMatchObject({ created: 1, errors: [] });
});

afterAll(async () => {
  expect(await shop.stop()).toBe(0);
});

function catalogUrl(): string {
  return shop.cluster().services.find(({ role }) => role === 'catalog')?.url ?? '';
}

async function statusOf(connect: Partial<InternalTls> & { rejectUnauthorized?: boolean }) {
  const dispatcher = new Agent({ connect });
  const headers = { authorization: `Bearer ${shop.secrets().internalToken}` };
  try {
    const answer = await request(`${catalogUrl()}/internal/load`, { dispatcher, headers });
    await answer.body.dump();
    return answer.statusCode;
  } finally {
    await dispatcher.close();
  }
}

async function asLeader<T>(ssl: Partial<InternalTls> | false, sql: string): Promise<readonly T[]> {
  const client = new pg.Client({
    host: '127.0.0.1',
    port: shop.cluster().database.leader?.port ?? 0,
    user: 'postgres',
    password: shop.secrets().databasePasswords['postgres'] ?? '',
    ssl: ssl === false ? false : { ...ssl },
  });
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query(sql)).rows as T[];
  } finally {
    await client.end();
  }
}

async function buy(): Promise<number> {
  const key = randomUUID();
  const guest = new ShopClient(shop.url);
  const until = Date.now() + retryMsMax;
  for (;;) {
    const { status } = await guest.buy(key, [{ sku, quantity: 1 }], { waitSeconds: 5 });
    if (status === 201 || Date.now() > until) return status;
  }
}

it('sells', async () => {
  expect(await buy()).toBe(201);
});

it('serves only who shows a certificate of its own authority', async () => {
  expect(catalogUrl()).toMatch(/^https:/);
  expect(await statusOf(tls)).toBe(200);
  expect(await statusOf({ ca: tls.ca })).toBe(401);
  await expect(statusOf({})).rejects.toThrow(/certificate/);
  await expect(request(catalogUrl().replace('https:', 'http:'))).rejects.toThrow();
});

it('encrypts every connection to the databases and between them', async () => {
  const plain = await asLeader<{ name: string }>(
    tls,
    // who is still shaking hands counts as plain until that is over
    `select application_name as name from pg_stat_activity join pg_stat_ssl using (pid)
     where not ssl and client_addr is not null and state is distinct from 'starting'`,
  );
  expect(plain).toEqual([]);
  const followers = await asLeader<{ version: string }>(
    tls,
    'select version from pg_stat_replication join pg_stat_ssl using (pid)',
  );
  expect(followers).toEqual([{ version: 'TLSv1.3' }, { version: 'TLSv1.3' }]);
  await expect(asLeader(false, 'select 1')).rejects.toThrow(/no encryption/);
  await expect(asLeader({ ca: tls.ca }, 'select 1')).rejects.toThrow(/client certificate/);
});

it('is backed up', async () => {
  const target = mkdtempSync(path.join(tmpdir(), 'doorbuster-backup-'));
  try {
    const manifest = await backUp({ home: shop.home, target, now: new Date() });
    expect(manifest.epoch).toBe(shop.cluster().epoch);
  } finally {
    rmSync(target, { recursive: true });
  }
});

it('goes on selling under a new leader', async () => {
  const { epoch, database } = shop.cluster();
  const data = path.join(
    realpathSync(path.join(shop.home, 'pg')),
    database.leader?.id ?? '',
    'data',
  );
  for (const pid of processesIn(data)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // it ended with the first
    }
  }
  expect(await buy()).toBe(201);
  expect(shop.cluster().epoch).toBe(epoch + 1);
});
