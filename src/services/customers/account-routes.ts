/** Opening an account, one's own data, and being forgotten. */

import type { FastifyInstance } from 'fastify';
import {
  changeProfile,
  eraseProfile,
  getProfile,
  type ProfileChange,
  signUp,
} from '../../api/customer.ts';
import type { Sql } from '../../kit/database/postgres.ts';
import { invalid, Problem } from '../../kit/http/problem.ts';
import { serve } from '../../kit/http/route.ts';
import {
  type Account,
  blankAccount,
  changeAccount,
  createAccount,
  isTaken,
  type SecretAccount,
} from './account-store.ts';
import { auditLog } from './audit.ts';
import { deleteCarts } from './cart-store.ts';

import { addErasure, type ErasureOutbox } from './erasure-outbox.ts';
import { clearCookie, customerView, giveCookie, requireSignedIn, signedOut } from './identity.ts';
import { hashPassword } from './password.ts';
import { clientOf, type SessionParts, tryPassword } from './session-routes.ts';
import { endSessions, openSession } from './session-store.ts';
import { forgetAttempts } from './sign-in-limit.ts';

export interface AccountParts extends SessionParts {
  readonly outbox: ErasureOutbox;
}

export function addAccountRoutes(app: FastifyInstance, parts: AccountParts): void {
  const { database, queue, outbox, hashCost } = parts;

  serve(app, signUp, async (request, reply) => {
    const { email, name, password } = request.body;
    const passwordHash = await queue.hash(clientOf(request), () =>
      hashPassword(password, hashCost),
    );
    const opened = await database.transaction(async (sql) => {
      const account = await createAccount(sql, { email, name, passwordHash, role: 'customer' });
      if (account === null) throw emailTaken();
      return { account, sessionId: await openSession(sql, account.id) };
    });
    await giveCookie(parts, { request, reply }, opened.account, opened.sessionId);
    reply.code(201);
    return customerView(opened.account);
  });

  serve(app, getProfile, async (request) => {
    const { account } = await requireSignedIn(parts, request);
    return customerView(account);
  });

  serve(app, changeProfile, async (request, reply) => {
    const { account, sessionId } = await requireSignedIn(parts, request);
    const { name, email, password } = request.body;
    const client = clientOf(request);
    const isSensitive = email !== undefined || password !== undefined;
    if (isSensitive) {
      refuseForOwner(account);
      await confirmPassword(parts, account, request.body, client);
    }
    const passwordHash =
      password && (await queue.hash(client, () => hashPassword(password, hashCost)));
    const changed = await database
      .transaction(async (sql) => {
        if (password !== undefined) await endSessions(sql, account.id, sessionId);
        return changeAccount(sql, account.id, { name, email, passwordHash });
      })
      .catch((error) => {
        throw isTaken(error) ? emailTaken() : error;
      });
    if (changed === null) throw signedOut();
    if (sessionId !== undefined) await giveCookie(parts, { request, reply }, changed, sessionId);
    return customerView(changed);
  });

  serve(app, eraseProfile, async (request, reply) => {
    const { account } = await requireSignedIn(parts, request);
    if (account.role === 'owner') {
      throw new Problem(409, 'owner-stays', 'The shop needs its owner', {
        detail: 'the owner’s account belongs to the installation and cannot be erased',
      });
    }
    await database.transaction((sql) => erase(sql, account));
    outbox.wake();
    clearCookie(request, reply);
    reply.code(204);
  });
}

/** The personal data goes now; that the orders forget it too is promised in the same commit. */
async function erase(sql: Sql, { id: customerId, address }: SecretAccount): Promise<void> {
  await blankAccount(sql, customerId); // first: who claims a cart now waits, and finds it erased
  await forgetAttempts(sql, address);
  await endSessions(sql, customerId);
  await deleteCarts(sql, customerId);
  await addErasure(sql, customerId);
  await auditLog.add(sql, {
    actor: customerId,
    action: 'customer.erased',
    subject: customerId,
  });
}

function emailTaken(): Problem {
  return new Problem(409, 'email-taken', 'This e-mail address has an account already', {
    errors: [{ path: 'body/email', message: 'is taken' }],
  });
}

/** What the installation decides at each start would not last if it were changed here. */
function refuseForOwner({ role }: Account): void {
  if (role !== 'owner') return;
  throw new Problem(409, 'owner-stays', 'The owner’s account belongs to the installation', {
    detail: 'its password is set by DOORBUSTER_OWNER_PASSWORD; its e-mail address is fixed',
  });
}

/** A stolen session must not be enough to take an account over. Guesses count as sign-ins do. */
async function confirmPassword(
  parts: AccountParts,
  { address, password_hash }: SecretAccount,
  { currentPassword }: ProfileChange,
  client: string,
): Promise<void> {
  if (currentPassword === undefined) {
    throw invalid([
      { path: 'body/currentPassword', message: 'is needed to change e-mail or password' },
    ]);
  }
  const attempt = { account: address, client };
  if (await tryPassword(parts, attempt, currentPassword, password_hash)) return;
  throw invalid([{ path: 'body/currentPassword', message: 'is not the password' }]);
}
