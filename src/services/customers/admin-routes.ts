/** Customers and the audit log, for those who run the shop. */

import type { FastifyInstance } from 'fastify';
import {
  type AuditEntry,
  type AuditLog,
  changeRole,
  listCustomers,
  type RoleChange,
  readAuditLog,
} from '../../api/admin-customer.ts';
import { catalogAuditLog, ordersAuditLog } from '../../api/internal/audit-routes.ts';
import type { Database } from '../../kit/database/postgres.ts';
import type { InternalClient } from '../../kit/http/internal-client.ts';
import { requireOwner, requireStaff } from '../../kit/http/principal.ts';
import { invalid, notFound, Problem } from '../../kit/http/problem.ts';
import { type Propagated, propagatedFrom } from '../../kit/http/propagation.ts';
import { serve } from '../../kit/http/route.ts';
import { type Account, emailsOf, listAccounts, lockAccount, setRole } from './account-store.ts';
import { auditLog } from './audit.ts';
import { customerView } from './identity.ts';
import {
  type AuditCursor,
  type AuditItem,
  type AuditSource,
  decodeCursor,
  encodeCursor,
  mergeAuditLogs,
  newest,
} from './merged-audit-log.ts';
import { endSessions } from './session-store.ts';

export interface AdminParts {
  readonly database: Database;
  readonly client: InternalClient;
}

const pageDefault = 24;
const otherLogs = [catalogAuditLog, ordersAuditLog] as const;
const sourceDeadlineMs = 2_000;
/** Entries asked of each log, so that one page needs one question. */
const sourceEntriesMax = 100;
const uuidForm = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/;

export function addAdminRoutes(app: FastifyInstance, parts: AdminParts): void {
  const { database, client } = parts;

  serve(app, listCustomers, async (request) => {
    requireStaff(request);
    const { limit = pageDefault, after, search } = request.query;
    if (after !== undefined && !uuidForm.test(after)) throw badCursor();
    const filter = { after: after ?? null, search: search || null, limit: limit + 1 };
    const found = await listAccounts(database, filter);
    const items = found.slice(0, limit).map(customerView);
    return { items, next: found.length > limit ? (items.at(-1)?.id ?? null) : null };
  });

  serve(app, changeRole, async (request) => {
    const owner = requireOwner(request);
    const { id } = request.params;
    if (!uuidForm.test(id)) throw noSuchCustomer();
    return customerView(
      await reassign(database, { id, role: request.body.role, actor: owner.customerId }),
    );
  });

  serve(app, readAuditLog, async (request): Promise<AuditLog> => {
    const propagated = propagatedFrom(request);
    requireStaff(request);
    const { limit = pageDefault, after } = request.query;
    const cursor = after === undefined ? newest : decodeCursor(after);
    if (cursor === null) throw badCursor();
    const own = auditLog.list(database, new Date(cursor.before), sourceEntriesMax);
    const others = await Promise.all(
      otherLogs.map((route) => askLog(client, route, cursor, propagated)),
    );
    const sources = [sourceOf('customers', await own), ...others.filter((each) => each !== null)];
    const { items, next } = mergeAuditLogs(sources, cursor, limit);
    const missing = otherLogs.filter((_, index) => others[index] === null).map(({ role }) => role);
    return { items: await named(database, items), next: next && encodeCursor(next), missing };
  });
}

/** With an actor's e-mail address for their id, unless they were erased. */
async function named(database: Database, items: readonly AuditItem[]): Promise<AuditItem[]> {
  const ids = new Set(items.map(({ actor }) => actor).filter((actor) => uuidForm.test(actor)));
  const emails = await emailsOf(database, [...ids]);
  return items.map((item) => ({ ...item, actor: emails.get(item.actor) ?? item.actor }));
}

function badCursor(): Problem {
  return invalid([{ path: 'querystring/after', message: 'is not a cursor of this list' }]);
}

function noSuchCustomer(): Problem {
  return notFound('There is no such customer');
}

interface Reassignment {
  readonly id: string;
  readonly role: RoleChange['role'];
  readonly actor: string;
}

/** The customer signs in anew: a session must not outlive the role that it was opened with. */
function reassign(database: Database, { id, role, actor }: Reassignment): Promise<Account> {
  return database.transaction(async (sql) => {
    const account = await lockAccount(sql, id);
    if (account === null) throw noSuchCustomer();
    if (account.role === 'owner') {
      throw new Problem(409, 'owner-stays', 'The shop needs its owner', {
        detail: 'the owner’s role cannot be changed',
      });
    }
    if (account.role === role) return account;
    await setRole(sql, id, role);
    await endSessions(sql, id);
    await auditLog.add(sql, {
      actor,
      action: 'customer.role-changed',
      subject: id,
      detail: { from: account.role, to: role },
    });
    return { ...account, role };
  });
}

function sourceOf(service: string, entries: readonly AuditEntry[]): AuditSource {
  return { service, entries, mayHaveMore: entries.length >= sourceEntriesMax };
}

/** Null where the service cannot be asked: its absence is said, not hidden. */
async function askLog(
  client: InternalClient,
  route: (typeof otherLogs)[number],
  { before }: AuditCursor,
  propagated: Propagated,
): Promise<AuditSource | null> {
  const query = { limit: sourceEntriesMax, before: new Date(before).toISOString() };
  try {
    const options = { query, deadlineMs: sourceDeadlineMs, propagated };
    return sourceOf(route.role, (await client.call(route, options)).items);
  } catch {
    return null;
  }
}
