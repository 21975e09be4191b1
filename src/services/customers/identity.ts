/**
 * The account of a signed-in request, and session cookies. The gateway has checked the session;
 * here the account is read from the database.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Customer } from '../../api/customer.ts';
import type { Clock } from '../../kit/clock.ts';
import type { Database } from '../../kit/database/postgres.ts';
import { sessionCookie } from '../../kit/http/cookies.ts';
import { type Principal, requireCustomer } from '../../kit/http/principal.ts';
import { Problem } from '../../kit/http/problem.ts';
import { type Account, findById, type SecretAccount } from './account-store.ts';
import { signToken } from './session-token.ts';

export interface IdentityParts {
  readonly database: Database;
  readonly sessionKey: Uint8Array;
  readonly clock: Clock;
}

export interface SignedIn {
  readonly account: SecretAccount;
  readonly sessionId: string | undefined;
}

export function customerView({ id, email, name, role, created_at }: Account): Customer {
  return { id, email, name, role, createdAt: created_at.toISOString() };
}

export function principalFor({ id, email, role }: Account, sessionId: string): Principal {
  return { customerId: id, email, role, sessionId };
}

/** A fresh token for a session, as it is now. */
export function tokenFor(
  { sessionKey, clock }: IdentityParts,
  account: Account,
  sessionId: string,
): Promise<string> {
  return signToken(principalFor(account, sessionId), sessionId, sessionKey, clock.now());
}

/** Gives the browser a session's cookie. */
export async function giveCookie(
  parts: IdentityParts,
  { request, reply }: { readonly request: FastifyRequest; readonly reply: FastifyReply },
  account: Account,
  sessionId: string,
): Promise<void> {
  const token = await tokenFor(parts, account, sessionId);
  reply.header('set-cookie', sessionCookie(token, schemeOf(request)));
}

/** Takes the session's cookie away from the browser. */
export function clearCookie(request: FastifyRequest, reply: FastifyReply): void {
  reply.header('set-cookie', sessionCookie('', schemeOf(request)));
}

/** By which the visitor came to the gateway. */
function schemeOf({ headers }: FastifyRequest): string {
  return String(headers['x-forwarded-proto']);
}

/** Throws Problem 401. */
export async function requireSignedIn(
  { database }: IdentityParts,
  request: FastifyRequest,
): Promise<SignedIn> {
  const { customerId, sessionId } = requireCustomer(request);
  const account = await findById(database, customerId);
  if (account === null) throw signedOut();
  return { account, sessionId };
}

export function signedOut(): Problem {
  return new Problem(401, 'sign-in-needed', 'Sign in first', {
    detail: 'there is no session, or it has ended',
  });
}
