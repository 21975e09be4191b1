/**
 * Receives Stripe's events. No worker waits for one: a worker asks Stripe by the checkout's key
 * until it has an answer. So an event matters in one case only: a payment succeeded although its
 * checkout was rejected. Then the payment is voided. All other events are only stored: the worker
 * that decides has asked Stripe, and a rejection that may leave a payment is written together with
 * its void.
 *
 * Events come late, early, twice and in any order; each is processed once, by its id. Stripe
 * repeats an event for days until the answer is 2xx.
 */
import type { FastifyInstance } from 'fastify';
import { Stripe } from 'stripe';
import { stripeWebhookPath } from '../../api/stripe-webhook-endpoint.ts';
import type { Database, Sql } from '../../kit/database/postgres.ts';
import { badRequest } from '../../kit/http/problem.ts';
import { addFollowUp } from './order-store.ts';

const bodyBytesMax = 256 * 1_024;
/** Older signatures may be replays. */
const signatureSecondsMax = 300;
const checkoutIdForm = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export interface WebhookParts {
  readonly database: Database;
  readonly secret: string;
  /** Milliseconds since the Unix epoch. */
  readonly now?: () => number;
}

export async function addStripeWebhook(app: FastifyInstance, parts: WebhookParts): Promise<void> {
  await app.register(async (scope) => {
    // the signature is over the very bytes: nothing may parse them before
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(
      '*',
      { parseAs: 'buffer', bodyLimit: bodyBytesMax },
      (_r, body, done) => done(null, body),
    );
    scope.post(stripeWebhookPath, async (request) => {
      const event = verified(request.body, request.headers['stripe-signature'], parts);
      await parts.database.transaction((sql) => take(sql, event));
      return { received: true };
    });
  });
}

/** Throws Problem 400 where Stripe did not sign these bytes, or did it too long ago. */
function verified(
  body: unknown,
  signature: string | string[] | undefined,
  { secret, now = Date.now }: WebhookParts,
): Stripe.Event {
  if (!Buffer.isBuffer(body) || typeof signature !== 'string') throw badRequest('it is not signed');
  try {
    return Stripe.webhooks.constructEvent(
      body,
      signature,
      secret,
      signatureSecondsMax,
      undefined,
      now(),
    );
  } catch (error) {
    const { StripeSignatureVerificationError } = Stripe.errors;
    const isForged = error instanceof StripeSignatureVerificationError;
    throw badRequest(isForged ? 'the signature does not fit' : 'it is not an event');
  }
}

async function take(sql: Sql, event: Stripe.Event): Promise<void> {
  const checkoutId = checkoutIdOf(event);
  if (!(await remember(sql, event, checkoutId))) return;
  await forgetOld(sql);
  if (event.type !== 'payment_intent.succeeded' || checkoutId === null) return;
  if (await isRejected(sql, checkoutId)) await addFollowUp(sql, checkoutId, 'void');
}

function checkoutIdOf(event: Stripe.Event): string | null {
  const { metadata } = event.data.object as { metadata?: Record<string, string> | null };
  const id = metadata?.['checkoutId'];
  return id !== undefined && checkoutIdForm.test(id) ? id : null;
}

const rememberSql = `
insert into payment_events (id, kind, checkout_id) values ($1, $2, $3)
on conflict (id) do nothing returning id`;

/** False for an event that was taken before. */
async function remember(sql: Sql, event: Stripe.Event, checkoutId: string | null) {
  const rows = await sql.query(rememberSql, [event.id, event.type, checkoutId]);
  return rows.length > 0;
}

const forgetSql = `
delete from payment_events where id in (
  select id from payment_events where received_at < now() - interval '30 days'
  order by received_at limit 10 for update skip locked)`;

async function forgetOld(sql: Sql): Promise<void> {
  await sql.query(forgetSql, []);
}

const rejectedSql = `
select r.seq from checkouts c join rejections r on r.seq = c.seq where c.id = $1`;

async function isRejected(sql: Sql, checkoutId: string): Promise<boolean> {
  return (await sql.query(rejectedSql, [checkoutId])).length > 0;
}
