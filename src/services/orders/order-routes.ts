/** The order log as its readers see it: the buyer, the owner, the auditor. */

import type { FastifyInstance } from 'fastify';

import { ordersAuditLog } from '../../api/internal/audit-routes.ts';
import { eraseCustomerData } from '../../api/internal/orders-routes.ts';
import {
  getOrder,
  listOrdersEndpoint,
  listOwnOrders,
  type Order,
  orderActionEndpoint,
  orderActions,
  readIntegrity,
} from '../../api/order.ts';
import { orderLines } from '../../api/purchase-answer.ts';
import type { Database } from '../../kit/database/postgres.ts';
import type { InternalClient } from '../../kit/http/internal-client.ts';
import { principalOf, requireCustomer, requireStaff } from '../../kit/http/principal.ts';
import { notFound, Problem, unavailable } from '../../kit/http/problem.ts';
import { propagatedFrom } from '../../kit/http/propagation.ts';
import { serve } from '../../kit/http/route.ts';
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
} from './order-store.ts';

export interface OrderParts {
  readonly database: Database;
  readonly client: InternalClient;
  readonly sessionKey: Uint8Array;
  readonly ledgerFile: string;
}

export function addOrderRoutes(app: FastifyInstance, parts: OrderParts): void {
  const { database, client, sessionKey } = parts;

  serve(app, getOrder, async (request) => {
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
  });

  serve(app, listOwnOrders, async (request) => {
    const { customerId } = requireCustomer(request);
    return page(database, request.query, customerId);
  });

  serve(app, listOrdersEndpoint, async (request) => {
    requireStaff(request);
    return page(database, request.query);
  });

  for (const action of orderActions) {
    serve(app, orderActionEndpoint(action), async (request) => {
      const { customerId } = requireStaff(request);
      const number = Number(request.params.number);
      const note = { actor: customerId, reason: request.body?.reason };
      return orderView(await change(database, number, action, note));
    });
  }

  serve(app, readIntegrity, async (request) => {
    requireStaff(request);
    const propagated = propagatedFrom(request);
    return checkIntegrity({ database, client, ledgerFile: parts.ledgerFile, propagated });
  });

  serve(app, ordersAuditLog, async ({ query: { before, limit } }) => {
    return { items: await auditLog.list(database, new Date(before), limit) };
  });

  serve(app, eraseCustomerData, async (request) => {
    const isDone = await eraseCustomer(database, request.params.id);
    if (!isDone) throw unavailable('a purchase of this customer is still to be decided');
    return {};
  });
}

async function page(
  database: Database,
  query: { limit?: number; after?: string },
  customer?: string,
) {
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
