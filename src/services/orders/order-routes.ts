/** The order log as its readers see it: the buyer, the owner, the auditor. */
import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import { getOrder, type IntegrityReport, type Order, OrderActionBody } from '../../api/order.ts';
import { orderLines } from '../../api/purchase-answer.ts';
import type { Database } from '../../kit/database/postgres.ts';
import type { InternalClient } from '../../kit/http/internal-client.ts';
import { principalOf, requireCustomer, requireStaff } from '../../kit/http/principal.ts';
import { badRequest, notFound, Problem, unavailable } from '../../kit/http/problem.ts';
import { propagatedFrom } from '../../kit/http/propagation.ts';
import { changeOrder, type OrderAction } from '../../shop/order.ts';
import { isOrderToken } from '../../shop/order-token.ts';
import { checkIntegrity } from './integrity.ts';
import {
  addFollowUp,
  auditLog,
  eraseCustomer,
  findOrder,
  listOrders,
  lockOrder,
  orderStates,
  type StoredOrder,
  setOrderState,
} from './store.ts';

export interface OrderParts {
  readonly database: Database;
  readonly client: InternalClient;
  readonly sessionKey: Uint8Array;
  readonly ledgerFile: string;
}

interface PageQuery {
  limit?: number;
  after?: string;
}

const pageQuery = Type.Object({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
  after: Type.Optional(Type.String({ pattern: '^[0-9]{1,15}$' })),
});

export function addOrderRoutes(app: FastifyInstance, parts: OrderParts): void {
  const { database, client, sessionKey } = parts;

  app.get<{ Params: { number: string }; Querystring: { token?: string } }>(
    '/api/orders/:number',
    { schema: { params: getOrder.params, querystring: getOrder.query } },
    async (request) => {
      const principal = principalOf(request);
      const order = await findOrder(database, Number(request.params.number));
      const { token } = request.query;
      const allowed =
        order !== null &&
        ((token !== undefined && isOrderToken(sessionKey, order.checkout_id, token)) ||
          (principal !== null &&
            (principal.role !== 'customer' || principal.customerId === order.customer)));
      if (!allowed) throw notFound('There is no such order, or it is not yours to see');
      return orderView(order);
    },
  );

  app.get<{ Querystring: PageQuery }>(
    '/api/customers/me/orders',
    { schema: { querystring: pageQuery } },
    async (request) => {
      const { customerId } = requireCustomer(request);
      return page(database, request.query, customerId);
    },
  );

  app.get<{ Querystring: PageQuery }>(
    '/api/admin/orders',
    { schema: { querystring: pageQuery } },
    async (request) => {
      requireStaff(request);
      return page(database, request.query);
    },
  );

  for (const action of ['fulfil', 'cancel', 'refund'] as const) {
    app.post<{ Params: { number: string }; Body: OrderActionBody | null | undefined }>(
      `/api/admin/orders/:number/${action}`,
      { schema: { params: getOrder.params, body: Type.Union([OrderActionBody, Type.Null()]) } },
      async (request) => {
        const { customerId } = requireStaff(request);
        const number = Number(request.params.number);
        const note = { actor: customerId, reason: request.body?.reason };
        return orderView(await change(database, number, action, note));
      },
    );
  }

  app.get('/api/admin/integrity', async (request): Promise<IntegrityReport> => {
    requireStaff(request);
    const propagated = propagatedFrom(request);
    return checkIntegrity({ database, client, ledgerFile: parts.ledgerFile, propagated });
  });

  app.get<{ Querystring: { limit?: number; before?: string } }>(
    '/internal/audit-log',
    async (request) => {
      const before = new Date(request.query.before ?? '9999-12-31T00:00:00Z');
      if (Number.isNaN(before.getTime())) throw badRequest('before is not a time');
      const limit = Math.min(100, Number(request.query.limit ?? 50));
      return { items: await auditLog.list(database, before, limit) };
    },
  );

  app.post<{ Params: { id: string } }>('/internal/customers/:id/erase', async (request) => {
    const isDone = await eraseCustomer(database, request.params.id);
    if (!isDone) throw unavailable('a purchase of this customer is still to be decided');
    return {};
  });
}

async function page(database: Database, query: PageQuery, customer?: string) {
  const limit = query.limit ?? 24;
  const before = Number(query.after ?? Number.MAX_SAFE_INTEGER);
  const orders = await listOrders(database, before, limit + 1, customer);
  const items = orders.slice(0, limit);
  const last = items.at(-1);
  const next = orders.length > limit && last !== undefined ? String(last.number) : null;
  return { items: items.map(orderView), next };
}

async function change(
  database: Database,
  number: number,
  action: OrderAction,
  { actor, reason }: { readonly actor: string; readonly reason: string | undefined },
): Promise<StoredOrder> {
  return database.transaction(async (sql) => {
    const order = await lockOrder(sql, number);
    if (order === null) throw notFound(`There is no order ${number}`);
    const from = orderStates[order.state] ?? 'placed';
    const change = changeOrder(from, action);
    if (change === null) {
      throw new Problem(409, 'order-state', `An order that is ${from} cannot be changed so`, {
        detail: `order ${number} is ${from}; "${action}" is not allowed from there`,
      });
    }
    await setOrderState(sql, number, change);
    if (change.releasesStock) await addFollowUp(sql, order.checkout_id, 'release');
    if (change.refunds) await addFollowUp(sql, order.checkout_id, 'refund');
    await auditLog.add(sql, {
      actor,
      action: `order.${action}`,
      subject: String(number),
      detail: { reason },
    });
    return { ...order, state: orderStates.indexOf(change.to) };
  });
}

function orderView(order: StoredOrder): Order {
  return {
    number: String(order.number),
    checkoutId: order.checkout_id,
    state: orderStates[order.state] ?? 'placed',
    lines: orderLines(order.lines, order.currency),
    total: { amount: order.total, currency: order.currency },
    placedAt: new Date(order.placed_at).toISOString(),
    email: order.request?.email ?? null,
    shippingAddress: order.request?.shippingAddress ?? null,
  };
}
