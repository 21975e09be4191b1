/** Signing in and out. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type SignInRequest, signIn, signOut } from '../../api/customer.ts';
import type { Sql } from '../../kit/database/postgres.ts';
import { Problem } from '../../kit/http/problem.ts';
import { type Account, findByEmail, type SecretAccount } from './account-store.ts';
import { addAuditEntry } from './audit-store.ts';
import { serve } from './endpoint-routes.ts';
import {
  customerView,
  giveCookie,
  type IdentityParts,
  namedSession,
  principalFor,
  signedOut,
  tokenFor,
} from './identity.ts';
import { type HashCost, isPassword } from './password.ts';
import { endSession, openSession, renewSession } from './session-store.ts';
import { clearedCookie, readToken, sessionCookie } from './session-token.ts';
import type { Attempt, SignInLimit } from './sign-in-limit.ts';
import type { Turnstile } from './turnstile.ts';

export interface SessionParts extends IdentityParts {
  readonly limit: SignInLimit;
  readonly turnstile: Turnstile;
  readonly hashCost: HashCost;
}

export function addSessionRoutes(app: FastifyInstance, parts: SessionParts): void {
  const { database, sessionKey } = parts;

  serve<{ Body: SignInRequest }>(app, signIn, async (request, reply) => {
    const account = await authenticate(parts, request.body, clientOf(request));
    const sessionId = await database.transaction((sql) => enter(sql, account));
    await giveCookie(parts, { request, reply }, account, sessionId);
    reply.code(201);
    return customerView(account);
  });

  serve(app, signOut, async (request, reply) => {
    const named = await namedSession(parts, request);
    if (named !== null) await endSession(database, named.sessionId);
    reply.code(204).header('set-cookie', clearedCookie(request));
  });

  // For gateways: a token that is due, against a fresh one. 401: the visitor is a guest now.
  app.post<{ Body: { token?: unknown } | null }>(
    '/internal/sessions/renew',
    async (request, reply) => {
      const given = request.body?.token;
      const read = typeof given === 'string' ? await readToken(given, sessionKey) : null;
      const account = read === null ? null : await renewSession(database, read.sessionId);
      if (read === null || account === null) throw signedOut();
      const token = await tokenFor(parts, account, read.sessionId);
      const setCookie = sessionCookie(token, request);
      reply.header('cache-control', 'no-store');
      return { principal: principalFor(account), token, setCookie };
    },
  );
}

/** The address that failures are counted by. The gateway tells it; a direct caller is one. */
export function clientOf({ headers, ip }: FastifyRequest): string {
  const forwarded = headers['x-forwarded-for'];
  return typeof forwarded === 'string' && forwarded !== '' ? forwarded : ip;
}

/**
 * The account whose e-mail address and password these are. Throws Problem 401, the same and after
 * the same time whether the address or the password is wrong; 429 after too many failures.
 */
async function authenticate(
  { database, limit, turnstile, hashCost }: SessionParts,
  { email, password }: SignInRequest,
  client: string,
): Promise<SecretAccount> {
  const attempt: Attempt = { email, client };
  return turnstile.run(async () => {
    await limit.check(attempt); // in the turnstile, so that a burst cannot get ahead of the count
    const account = await findByEmail(database, email);
    const matches = await isPassword(password, account?.password_hash ?? null, hashCost);
    if (account === null || !matches) {
      await limit.failed(attempt);
      throw new Problem(401, 'wrong-credentials', 'E-mail address or password is wrong');
    }
    await limit.succeeded(attempt);
    return account;
  });
}

/** Opens the session. Who may change the shop is noted. */
async function enter(sql: Sql, { id, role }: Account): Promise<string> {
  const sessionId = await openSession(sql, id);
  if (role !== 'customer') {
    await addAuditEntry(sql, {
      actorId: id,
      action: 'session.opened',
      subject: id,
      detail: { role },
    });
  }
  return sessionId;
}
