/** Who is signed in, by the session's row: what the account routes rest on. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Customer } from '../../api/customer.ts';
import type { Clock } from '../../kit/clock.ts';
import type { Database } from '../../kit/database/postgres.ts';
import {
  encodePrincipal,
  type HeaderCarrier,
  type Principal,
  principalHeader,
  requireCustomer,
} from '../../kit/http/principal.ts';
import { Problem } from '../../kit/http/problem.ts';
import { type Account, findById } from './account-store.ts';
import { findSession, renewSession } from './session-store.ts';
import {
  clearedCookie,
  type ReadToken,
  readToken,
  renewalDueMs,
  sessionCookie,
  signToken,
  tokenOf,
} from './session-token.ts';

export interface IdentityParts {
  readonly database: Database;
  readonly sessionKey: Uint8Array;
  readonly clock: Clock;
}

export interface SignedIn {
  readonly account: Account;
  /** Null where the caller vouched for the customer without a session cookie. */
  readonly sessionId: string | null;
}

export function customerView({ id, email, name, role, created_at }: Account): Customer {
  return { id, email, name, role, createdAt: created_at.toISOString() };
}

export function principalFor({ id, email, role }: Account): Principal {
  return { customerId: id, email, role };
}

/** A fresh token for a session, as it is now. */
export function tokenFor(
  { sessionKey, clock }: IdentityParts,
  account: Account,
  sessionId: string,
): Promise<string> {
  return signToken({ ...principalFor(account), sessionId }, sessionKey, clock.now());
}

/** Gives the browser a session's cookie. */
export async function giveCookie(
  parts: IdentityParts,
  { request, reply }: { readonly request: FastifyRequest; readonly reply: FastifyReply },
  account: Account,
  sessionId: string,
): Promise<void> {
  const token = await tokenFor(parts, account, sessionId);
  reply.header('set-cookie', sessionCookie(token, request));
}

/** The session that a request's cookie names, whether it lives or not. */
export async function namedSession(
  { sessionKey }: IdentityParts,
  request: FastifyRequest,
): Promise<ReadToken | null> {
  const token = tokenOf(request);
  return token === null ? null : readToken(token, sessionKey);
}

/**
 * The signed-in customer. With a cookie its session must be alive, whatever the gateway still
 * believes; a token that is due is renewed on the way. Throws Problem 401.
 */
export async function requireSignedIn(
  parts: IdentityParts,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<SignedIn> {
  if (tokenOf(request) === null) {
    const { customerId } = requireCustomer(request);
    const account = await findById(parts.database, customerId);
    if (account === null) throw signedOut();
    return { account, sessionId: null };
  }
  const named = await namedSession(parts, request);
  if (named === null) throw signedOut();
  const { sessionId, issuedAt } = named;
  const isDue = parts.clock.now() - issuedAt >= renewalDueMs;
  const account = await (isDue ? renewSession : findSession)(parts.database, sessionId);
  if (account === null) {
    reply.header('set-cookie', clearedCookie(request));
    throw signedOut();
  }
  if (isDue) await giveCookie(parts, { request, reply }, account, sessionId);
  return { account, sessionId };
}

/**
 * Someone of these roles, by the row as well as by the gateway's word: a stolen or demoted
 * session must not read customers' data for the rest of its token's life. Throws Problem 401, 403.
 */
export async function requireLive(
  parts: IdentityParts,
  { request, reply }: { readonly request: FastifyRequest; readonly reply: FastifyReply },
  require: (request: HeaderCarrier) => Principal,
): Promise<Principal> {
  require(request);
  const { account } = await requireSignedIn(parts, request, reply);
  return require({ headers: { [principalHeader]: encodePrincipal(principalFor(account)) } });
}

export function signedOut(): Problem {
  return new Problem(401, 'sign-in-needed', 'Sign in first', {
    detail: 'there is no session, or it has ended',
  });
}
