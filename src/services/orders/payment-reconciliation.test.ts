import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type PostgresFixture, startPostgres } from '../../../test/postgres-fixture.ts';
import { decided, heldBy, placed, soldOut, start } from '../../../test/queue/sample-checkout.ts';
import { uuidV7 } from '../../kit/uuid-v7.ts';
import { PostgresQueue } from '../../queue/postgres-queue.ts';
import { reconcilePayments } from './payment-reconciliation.ts';

const migrations = fileURLToPath(new URL('./migrations', import.meta.url));

let postgres: PostgresFixture;
let home: string;
beforeAll(async () => {
  postgres = await startPostgres();
  home = await mkdtemp(path.join(tmpdir(), 'doorbuster-books-'));
});
afterAll(async () => {
  await postgres.stop();
  await rm(home, { recursive: true });
});

/** Two orders, a rejected checkout that is to be voided, and one that waits; then the books. */
async function openShop() {
  const database = await postgres.createDatabase(migrations);
  const queue = new PostgresQueue(database);
  const token = randomUUID();
  const held = await heldBy(queue, token, 4);
  const [first, second, rejected] = held.map(({ id }) => id);
  const order = { ...placed, paymentId: 'test' };
  await queue.decide(
    token,
    held.slice(0, 3).map((each) => {
      if (each.id === rejected) return decided(each, soldOut, { voidPayment: true });
      return decided(each, order);
    }),
  );
  const capture = (id: string | undefined, amount = placed.total) => `capture ${id} ${amount} USD`;
  const sound = held.map(({ id }) => capture(id));
  const reconcile = async (text: string) => {
    const ledgerFile = path.join(home, `${randomUUID()}.txt`);
    await writeFile(ledgerFile, text);
    return reconcilePayments(database, ledgerFile);
  };
  return { database, first, second, rejected, capture, sound, reconcile };
}

it('holds where each payment has its order and each order its payment', async () => {
  const { sound, reconcile } = await openShop();
  expect(await reconcile(`${sound.join('\n')}\n`)).toMatchObject({
    holds: true,
    figures: { orders: 2, payments: 4, due: 2 * placed.total, unreadableLines: 0 },
  });
});

it('counts a half-written line, wherever it stands, and goes on', async () => {
  const { sound, capture, reconcile } = await openShop();
  const cut = capture(uuidV7(start)).slice(0, 20);
  for (const text of [`${sound.join('\n')}\n${cut}`, `${cut}\n${sound.join('\n')}\n`]) {
    const { holds, figures } = await reconcile(text);
    expect([holds, figures['unreadableLines']]).toEqual([true, 1]);
  }
});

it('finds money for a checkout that does not exist, or whose rows are gone', async () => {
  const { database, first, sound, capture, reconcile } = await openShop();
  const ghost = uuidV7(start);
  const { holds, violations } = await reconcile([...sound, capture(ghost)].join('\n'));
  expect([holds, violations]).toEqual([
    ...[false, [`${placed.total} captured for ${ghost}, which has no order`]],
  ]);
  await database.query('delete from orders where checkout_id = $1', [first]);
  await database.query('delete from checkouts where id = $1', [first]);
  expect((await reconcile(sound.join('\n'))).violations).toEqual([
    `${placed.total} captured for ${first}, which has no order`,
  ]);
});

it('finds orders that were not paid, or not at their total, or given back', async () => {
  const { second, sound, capture, reconcile } = await openShop();
  const [, ...others] = sound;
  expect((await reconcile(others.join('\n'))).violations).toEqual([
    expect.stringMatching(/^order \d+ is not paid/),
  ]);
  const dearer = sound.map((line) => (line.includes(second ?? '') ? capture(second, 1) : line));
  expect((await reconcile(dearer.join('\n'))).violations).toEqual([
    expect.stringMatching(/^order \d+: 1 captured, 1299 due$/),
  ]);
  const refunded = [...sound, `refund ${second}`];
  expect((await reconcile(refunded.join('\n'))).holds).toBe(false);
});
