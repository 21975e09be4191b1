/** Each service with a log of its owners' acts shows it; customers puts them together. */
import Type from 'typebox';
import type { AuditEntry } from '../admin-customer.ts';
import { internalRoute } from './internal-route.ts';

const shape = {
  method: 'GET',
  path: '/internal/audit-log',
  query: Type.Object({
    limit: Type.Integer({ minimum: 1, maximum: 1_000, default: 50 }),
    before: Type.String({ format: 'date-time', default: '9999-12-31T00:00:00Z' }),
  }),
} as const;
type Answer = { readonly items: readonly AuditEntry[] };

export const catalogAuditLog = internalRoute<Answer>()({ role: 'catalog', ...shape });
export const ordersAuditLog = internalRoute<Answer>()({ role: 'orders', ...shape });
