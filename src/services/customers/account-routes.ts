/** Opening an account, one's own data, and being forgotten. */
import type { FastifyInstance } from 'fastify';
import {
  changeProfile,
  eraseProfile,
  getProfile,
  type ProfileChange,
  type SignUpRequest,
  signUp,
} from '../../api/customer.ts';
import type { Sql } from '../../kit/database/postgres.ts';
import { invalid, Problem } from '../../kit/http/problem.ts';
import {
  type Account,
  blankAccount,
  changeAccount,
  createAccount,
  findById,
  isTaken,
} from './account-store.ts';
import { addAuditEntry } from './audit-store.ts';
import { deleteCarts } from './cart-store.ts';
import { serve } from './endpoint-routes.ts';
import { addErasure, type ErasureOutbox } from './erasure-outbox.ts';
import { clearCookie, customerView, giveCookie, requireSignedIn, signedOut } from './identity.ts';
import { hashPassword, isPassword } from './password.ts';
import { clientOf, type SessionParts } from './session-routes.ts';
import { endSessions, openSession } from './session-store.ts';

export interface AccountParts extends SessionParts {
  readonly outbox: ErasureOutbox;
}

export function addAccountRoutes(app: FastifyInstance, parts: AccountParts): void {
  const { database, turnstile, outbox, hashCost } = parts;

  serve<{ Body: SignUpRequest }>(app, signUp, async (request, reply) => {
    const { email, name, password } = request.body;
    const passwordHash = await turnstile.run(() => hashPassword(password, hashCost));
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

  serve<{ Body: ProfileChange }>(app, changeProfile, async (request, reply) => {
    const { account, sessionId } = await requireSignedIn(parts, request);
    const { name, email, password } = request.body;
    const isSensitive = email !== undefined || password !== undefined;
    if (isSensitive) {
      refuseForOwner(account);
      await confirmPassword(parts, account, request.body, clientOf(request));
    }
    const passwordHash = password && (await turnstile.run(() => hashPassword(password, hashCost)));
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
    await database.transaction((sql) => erase(sql, account.id));
    outbox.wake();
    clearCookie(request, reply);
    reply.code(204);
  });
}

/** The personal data goes now; that the orders forget it too is promised in the same commit. */
async function erase(sql: Sql, customerId: string): Promise<void> {
  await endSessions(sql, customerId);
  await deleteCarts(sql, customerId);
  await blankAccount(sql, customerId);
  await addErasure(sql, customerId);
  await addAuditEntry(sql, {
    actorId: customerId,
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
  { database, turnstile, limit, hashCost }: AccountParts,
  { id, email }: Account,
  { currentPassword }: ProfileChange,
  client: string,
): Promise<void> {
  if (currentPassword === undefined) {
    throw invalid([
      { path: 'body/currentPassword', message: 'is needed to change e-mail or password' },
    ]);
  }
  await turnstile.run(async () => {
    await limit.check({ email, client });
    const stored = (await findById(database, id))?.password_hash ?? null;
    if (await isPassword(currentPassword, stored, hashCost)) return;
    await limit.failed({ email, client });
    throw invalid([{ path: 'body/currentPassword', message: 'is not the password' }]);
  });
}
