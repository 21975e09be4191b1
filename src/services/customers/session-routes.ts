/** Signing in and out. */

import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type SignInRequest, signIn, signOut } from '../../api/customer.ts';
import { findLivingSessions, type LivingSession } from '../../api/internal/customers-routes.ts';
import type { Sql } from '../../kit/database/postgres.ts';
import { networkOf } from '../../kit/http/client-network.ts';
import { principalOf } from '../../kit/http/principal.ts';
import { Problem } from '../../kit/http/problem.ts';
import { type BodyOf, serve } from '../../kit/http/route.ts';
import { type Account, findByEmail, type SecretAccount } from './account-store.ts';
import { auditLog } from './audit.ts';
import {
  clearCookie,
  customerView,
  giveCookie,
  type IdentityParts,
  principalFor,
  tokenFor,
} from './identity.ts';
import { type HashCost, isPassword } from './password.ts';
import { endSession, livingSessions, openSession, renewSessions } from './session-store.ts';
import type { Attempt, SignInLimit } from './sign-in-limit.ts';
import type { SignInQueue } from './sign-in-queue.ts';

export interface SessionParts extends IdentityParts {
  readonly limit: SignInLimit;
  readonly queue: SignInQueue;
  readonly hashCost: HashCost;
}

export function addSessionRoutes(app: FastifyInstance, parts: SessionParts): void {
  const { database } = parts;

  serve(app, signIn, async (request, reply) => {
    const account = await authenticate(parts, request.body, clientOf(request));
    const sessionId = await database.transaction((sql) => enter(sql, account));
    await giveCookie(parts, { request, reply }, account, sessionId);
    reply.code(201);
    return customerView(account);
  });

  serve(app, signOut, async (request, reply) => {
    const sessionId = principalOf(request)?.sessionId;
    if (sessionId !== undefined) await endSession(database, sessionId);
    clearCookie(request, reply);
    reply.code(204);
  });

  serve(app, findLivingSessions, async (request) => {
    return { sessions: await lookAt(parts, request.body.asked) };
  });
}

/** What the gateway asks: which sessions live, whose they are now, and a fresh token where due. */
async function lookAt(
  parts: SessionParts,
  asked: BodyOf<typeof findLivingSessions>['asked'],
): Promise<readonly (LivingSession | null)[]> {
  const ids = asked.map(({ sessionId }) => sessionId);
  const living = await livingSessions(parts.database, ids);
  const due = asked.filter(({ sessionId, renew }) => renew && living.has(sessionId));
  if (due.length > 0) {
    await renewSessions(
      parts.database,
      due.map(({ sessionId }) => sessionId),
    );
  }
  return Promise.all(
    asked.map(async ({ sessionId, renew }) => {
      const account = living.get(sessionId);
      if (account === undefined) return null;
      const token = renew ? await tokenFor(parts, account, sessionId) : null;
      return { principal: principalFor(account, sessionId), token };
    }),
  );
}

/** The network that failures are counted by, from the gateway's header or the caller's address. */
export function clientOf({ headers, ip }: FastifyRequest): string {
  const forwarded = headers['x-forwarded-for'];
  return networkOf(typeof forwarded === 'string' && forwarded !== '' ? forwarded : ip);
}

/**
 * The account whose e-mail address and password these are. Throws Problem 401, the same and after
 * the same time whether the address or the password is wrong; 429 after too many failures.
 */
async function authenticate(
  parts: SessionParts,
  { email, password }: SignInRequest,
  client: string,
): Promise<SecretAccount> {
  const { address, account } = await findByEmail(parts.database, email);
  const attempt = { account: address, client };
  const isRight = await tryPassword(parts, attempt, password, account?.password_hash ?? null);
  if (account !== null && isRight) return account;
  throw new Problem(401, 'wrong-credentials', 'E-mail address or password is wrong');
}

/** Whether it is the password, in the attempt's turn and counted. Throws Problem 429 or 503. */
export function tryPassword(
  { limit, queue, hashCost }: SessionParts,
  attempt: Attempt,
  password: string,
  stored: string | null,
): Promise<boolean> {
  const check = () => limit.check(attempt);
  return queue.attempt(attempt, check, async () => {
    const isRight = await isPassword(password, stored, hashCost);
    await (isRight ? limit.succeeded(attempt) : limit.failed(attempt));
    return isRight;
  });
}

/** Opens the session. Who may change the shop is noted. */
async function enter(sql: Sql, { id, role }: Account): Promise<string> {
  const sessionId = await openSession(sql, id);
  if (role !== 'customer') {
    await auditLog.add(sql, {
      actor: id,
      action: 'session.opened',
      subject: id,
      detail: { role },
    });
  }
  return sessionId;
}
