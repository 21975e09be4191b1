/**
 * The queue on PostgreSQL. One statement a method, and one transaction a batch: what a purchase
 * costs is decided here. Times are milliseconds since the Unix epoch in bigint columns, because
 * claiming compares them with the caller's clock (a lease is fenced by its token, not by time).
 */
import assert from 'node:assert/strict';
import type { Database } from '../kit/database/postgres.ts';
import type { Acceptance, Decision, Rejection, SoldLine } from '../shop/checkout.ts';
import { cartStatements, holdCarts } from './cart-holds.ts';
import {
  type CartHold,
  type CartRequest,
  type CheckoutRecord,
  type ClaimedCheckout,
  type ClaimRequest,
  type DecidedCheckout,
  type FollowUp,
  followUpKinds,
  type KnownOutcome,
  type NewCheckout,
  type PurchaseQueue,
} from './purchase-queue.ts';

/**
 * For the sessions that use the queue. A plan that was made and kept while the tables were small
 * reads them whole, and still does when they have grown: claiming 256 of 300,000 then took
 * 47 ms instead of 4. Every statement here finds its rows by an index, so none may read a table.
 *
 * That alone is not enough: an index can be read whole, too, and is, by a join that was planned
 * while the queue was empty (the leader then spent 305 µs a purchase instead of 55). So rows are
 * never found by a join here, but by `= any(array(...))` or by a `lateral ... limit 1`, which leave
 * the planner nothing but the index. Their test is `plans for a queue of any size`.
 */
export const queueSettings = { enable_seqscan: 'off' } as const;

const deadlockRetriesMax = 3;
const keysPageMax = 50_000;

const acceptSql = `
with given as (
  select * from json_to_recordset($1::json) as t(
    id uuid, key uuid, hash uuid, customer text, expires bigint, request json)
), fresh as (
  insert into checkouts (id, key, hash, customer, expires, request)
  select id, key, hash, customer, expires, request from given
  on conflict (key) do nothing
  returning id, seq
), queued as (
  insert into queue (seq, checkout_id) select seq, id from fresh
)
select id, seq from fresh`;

const firstsSql = `
select t.id, c.id as first, c.seq, c.hash = t.hash as same
from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as t(id, key, hash)
cross join lateral (select id, seq, hash from checkouts where key = t.key limit 1) c`;

const claimSql = `
with fresh as materialized (
  select seq from queue
  where seq >= $5 and lease_until <= $1 and unanswered = 0
  order by seq limit $2
  for update skip locked
), retries as materialized (
  select seq from queue
  where seq < (select coalesce(min(seq), 9223372036854775807) from fresh)
    and lease_until <= $1 and unanswered > 0
  order by seq limit $6
  for update skip locked
), held as (
  update queue set claim_token = $3, lease_until = $4, attempts = attempts + 1
  where seq = any(array(select seq from fresh union all select seq from retries))
  returning seq, checkout_id, attempts, unanswered
)
select held.seq, held.attempts, held.unanswered, c.id, c.customer, c.expires, c.request
from held cross join lateral (
  select id, customer, expires, request from checkouts where id = held.checkout_id limit 1) c
order by held.seq`;

const extendSql = `
update queue set lease_until = $3
where seq = any($2::bigint[]) and claim_token = $1 returning seq`;

const giveBackSql = `
update queue set lease_until = $3, claim_token = null, attempts = attempts - 1
where seq = any($2::bigint[]) and claim_token = $1`;

const postponeSql = `
update queue set lease_until = $3, claim_token = null, attempts = 0, unanswered = unanswered + 1
where seq = any($2::bigint[]) and claim_token = $1`;

const decideSql = `
with given as (
  select * from json_to_recordset($2::json) as t(
    seq bigint, id uuid, customer text, placed bigint, total bigint, currency char(3),
    payment text, lines json, rejection json, release boolean, void boolean, cart boolean)
), mine as (
  delete from queue where seq = any(array(select seq from given)) and claim_token = $1
  returning seq
), decided as (
  select given.* from given join mine on mine.seq = given.seq
), logged as (
  insert into orders (number, checkout_id, customer, placed_at, total, currency, payment_id, lines)
  select seq, id, customer, placed, total, currency, payment, lines
  from decided where rejection is null order by seq
), refused as (
  insert into rejections (seq, checkout_id, rejection)
  select seq, id, rejection from decided where rejection is not null
), followed as (
  insert into follow_ups (checkout_id, kind)
  select id, 'release' from decided where release
  union all select id, 'void' from decided where void
  union all select id, 'empty-cart' from decided where cart
)
select seq from mine`;

const outcomeJoins = `
left join lateral (select * from orders where number = c.seq limit 1) o on true
left join lateral (select * from rejections where seq = c.seq limit 1) r on true`;

const outcomesSql = `
select c.id, c.seq, o.placed_at, o.total, o.currency, o.payment_id, o.lines, r.rejection
from checkouts c ${outcomeJoins}
where c.id = any($1::uuid[]) and (o.number is not null or r.seq is not null)`;

const findSql = `
select c.seq, o.placed_at, o.total, o.currency, o.payment_id, o.lines, r.rejection,
  q.lease_until as retry_at
from checkouts c ${outcomeJoins}
left join lateral (
  select lease_until from queue where seq = c.seq and unanswered > 0 limit 1) q on true
where c.id = $1`;

const claimFollowUpsSql = `
with due as (
  update follow_ups set lease_until = $2
  where id = any(array(
    select id from follow_ups where lease_until <= $1 order by id limit $3 for update skip locked))
  returning id, checkout_id, kind
)
select due.id, c.id as "checkoutId", due.kind,
  coalesce(c.request #>> '{payment,method}', '') as method, o.payment_id as "paymentId",
  c.request->'cart' as cart
from due
cross join lateral (select * from checkouts where id = due.checkout_id limit 1) c
left join lateral (select payment_id from orders where number = c.seq limit 1) o on true
order by due.id`;

/** The statements of the hot path, for the test of their plans. */
export const hotStatements = {
  acceptSql,
  firstsSql,
  claimSql,
  extendSql,
  giveBackSql,
  postponeSql,
  decideSql,
  outcomesSql,
  findSql,
  claimFollowUpsSql,
  ...cartStatements,
} as const;

interface OutcomeRow {
  id: string;
  seq: number;
  placed_at: number | null;
  total: number;
  currency: string;
  payment_id: string;
  lines: SoldLine[];
  rejection: Rejection | null;
}

export class PostgresQueue implements PurchaseQueue {
  readonly #database: Database;
  /** No free row lies below: a claim that starts here does not walk over deleted rows. */
  #claimFrom = 0;
  #claimFromUntil = 0;

  constructor(database: Database) {
    this.#database = database;
  }

  async accept(batch: readonly NewCheckout[]): Promise<Acceptance[]> {
    const { fresh, others } = await this.acceptJson(JSON.stringify(batch), batch.length);
    const all = new Map(others.map((each) => [each.id, each]));
    for (const { id, seq } of fresh) all.set(id, { id, kind: 'accepted', seq });
    return batch.map(({ id }) => all.get(id) as Acceptance);
  }

  /**
   * As `accept`, for a batch of `count` checkouts that came over the wire as JSON: in the ordinary
   * case, where no key is repeated, it goes to the database as it came, without being parsed.
   */
  async acceptJson(json: string, count: number): Promise<AcceptedBatch> {
    for (let retries = 0; ; retries += 1) {
      try {
        const fresh = await this.#database.query<{ id: string; seq: number }>(acceptSql, [json]);
        if (fresh.length === count) return { fresh, others: [] };
        const known = new Set(fresh.map((row) => row.id));
        const batch: NewCheckout[] = JSON.parse(json);
        const repeated = batch.filter((each) => !known.has(each.id));
        return { fresh, others: await this.knownKeys(repeated) };
      } catch (error) {
        // two batches that repeat each other's keys can deadlock; the loser goes again
        const deadlock = (error as { code?: unknown }).code === '40P01';
        if (!deadlock || retries >= deadlockRetriesMax) throw error;
      }
    }
  }

  /** Those whose keys were accepted before, and as which checkout. Changes nothing. */
  async knownKeys(asked: readonly AskedKey[]): Promise<Acceptance[]> {
    const rows = await this.#database.query<{
      id: string;
      first: string;
      seq: number;
      same: boolean;
    }>(firstsSql, [
      asked.map((each) => each.id),
      asked.map((each) => each.key),
      asked.map((each) => each.hash),
    ]);
    return rows.map(({ id, first, seq, same }): Acceptance => {
      if (!same) return { id, kind: 'key-reused' };
      if (first === id) return { id, kind: 'accepted', seq };
      return { id, kind: 'repeated', first, seq };
    });
  }

  /** Keys of checkouts whose ids lie behind `after`, a page of them, in order of their ids. */
  async keysAfter(after: string): Promise<{ keys: string[]; last: string }> {
    const rows = await this.#database.query<{ key: string; id: string }>(
      'select key, id from checkouts where id > $1 order by id limit $2',
      [after, keysPageMax],
    );
    return { keys: rows.map((row) => row.key), last: rows.at(-1)?.id ?? after };
  }

  async claim(request: ClaimRequest): Promise<ClaimedCheckout[]> {
    const { token, limit, retriesMax, leaseMs, now } = request;
    const from = now < this.#claimFromUntil ? this.#claimFrom : 0;
    // retries lie below the front: they are looked for when it is walked to from the beginning
    const retries = from === 0 ? retriesMax : 0;
    const rows = await this.#database.transaction(
      (sql) =>
        sql.query<ClaimedCheckout>(claimSql, [
          ...[now, limit, token, now + leaseMs, from, retries],
        ]),
      { durable: false },
    );
    assert(rows.length <= limit + retries, `claimed ${rows.length}, asked for ${limit + retries}`);
    this.#rememberStart(rows, now, from);
    return rows;
  }

  /**
   * Free rows below the first one just claimed can only be expired leases, or batches that
   * committed out of order: a claim from the very beginning finds them every `claimFromMs`.
   */
  #rememberStart(rows: readonly ClaimedCheckout[], now: number, from: number): void {
    const claimFromMs = 500;
    const first = rows.find(({ unanswered }) => unanswered === 0);
    if (first === undefined) {
      this.#claimFromUntil = 0;
      return;
    }
    if (from === 0) this.#claimFromUntil = now + claimFromMs;
    this.#claimFrom = first.seq;
  }

  async extend(token: string, seqs: readonly number[], leaseUntil: number): Promise<number[]> {
    const rows = await this.#database.query<{ seq: number }>(extendSql, [token, seqs, leaseUntil]);
    return rows.map((row) => row.seq);
  }

  async giveBack(token: string, seqs: readonly number[], from = 0): Promise<void> {
    await this.#database.query(giveBackSql, [token, seqs, from]);
    this.#claimFromUntil = 0;
  }

  async postpone(token: string, seqs: readonly number[], until: number): Promise<void> {
    await this.#database.query(postponeSql, [token, seqs, until]);
  }

  holdCarts(wanted: readonly CartRequest[]): Promise<CartHold[]> {
    return holdCarts(this.#database, wanted);
  }

  async decide(token: string, batch: readonly DecidedCheckout[]): Promise<number[]> {
    const json = JSON.stringify(batch.map(decisionRow));
    const rows = await this.#database.query<{ seq: number }>(decideSql, [token, json]);
    assert(rows.length <= batch.length, 'more was decided than was asked for');
    return rows.map((row) => row.seq);
  }

  async outcomes(ids: readonly string[]): Promise<KnownOutcome[]> {
    const rows = await this.#database.query<OutcomeRow>(outcomesSql, [ids]);
    return rows.map((row) => ({ id: row.id, seq: row.seq, decision: decisionOf(row) }));
  }

  async find(id: string): Promise<CheckoutRecord | null> {
    const [row] = await this.#database.query<OutcomeRow & { retry_at: number | null }>(findSql, [
      id,
    ]);
    if (row === undefined) return null;
    if (row.placed_at === null && row.rejection === null) {
      return { kind: 'queued', seq: row.seq, retryAt: row.retry_at };
    }
    return { kind: 'decided', seq: row.seq, decision: decisionOf(row) };
  }

  async claimFollowUps(limit: number, now: number, leaseMs: number): Promise<FollowUp[]> {
    const rows = await this.#database.query<FollowUp & { kind: string }>(claimFollowUpsSql, [
      now,
      now + leaseMs,
      limit,
    ]);
    return rows.map((row) => ({ ...row, kind: followUpKindOf(row.kind) }));
  }

  async finishFollowUps(ids: readonly number[]): Promise<void> {
    await this.#database.query('delete from follow_ups where id = any($1::bigint[])', [ids]);
  }
}

export type AskedKey = Pick<NewCheckout, 'id' | 'key' | 'hash'>;

export interface AcceptedBatch {
  readonly fresh: readonly { readonly id: string; readonly seq: number }[];
  /** Checkouts whose keys were accepted before. */
  readonly others: readonly Acceptance[];
}

function followUpKindOf(text: string): FollowUp['kind'] {
  return followUpKinds.find((kind) => kind === text) ?? 'unknown';
}

function decisionRow({ seq, id, customer, decision, aftermath }: DecidedCheckout): object {
  const { releaseStock: release, voidPayment, emptyCart: cart } = aftermath;
  if (decision.kind === 'rejected') {
    return { seq, id, rejection: decision.rejection, release, void: voidPayment };
  }
  const { lines, total, currency, paymentId: payment, placedAt: placed } = decision;
  return { seq, id, customer, placed, total, currency, payment, lines, cart };
}

function decisionOf(row: OutcomeRow): Decision {
  if (row.rejection !== null) return { kind: 'rejected', rejection: row.rejection };
  return {
    kind: 'placed',
    lines: row.lines,
    total: row.total,
    currency: row.currency,
    paymentId: row.payment_id,
    placedAt: row.placed_at ?? 0,
  };
}
