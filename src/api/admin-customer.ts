/** What staff sees of customers, and the audit log, in the public contract. */
import Type, { type Static } from 'typebox';
import { Customer } from './customer.ts';
import { type Endpoint, PageQuery, pageOf } from './endpoint.ts';
import { lineText } from './person.ts';

const CustomerQuery = Type.Object({
  ...PageQuery,
  search: Type.Optional(lineText('part of e-mail or name')),
});

export const RoleChange = Type.Object(
  { role: Type.Union([Type.Literal('customer'), Type.Literal('staff')]) },
  { additionalProperties: false },
);
export type RoleChange = Static<typeof RoleChange>;

/** One line of a service's own log, as `GET /internal/audit-log?limit=&before=` answers it. */
export const AuditEntry = Type.Object({
  id: Type.String(),
  at: Type.String({ format: 'date-time' }),
  actor: Type.String({ description: 'who did it: an e-mail address, or the id of one erased' }),
  action: Type.String({ examples: ['product.updated'] }),
  subject: Type.String({ description: 'what it was done to' }),
  detail: Type.Record(Type.String(), Type.Unknown()),
});
export type AuditEntry = Static<typeof AuditEntry>;

/** A cursor names the entries that share its millisecond: it can be longer than others. */
const AuditQuery = Type.Object({
  ...PageQuery,
  after: Type.Optional(Type.String({ maxLength: 3_000 })),
});

export const AuditLog = Type.Object(
  {
    items: Type.Array(Type.Object({ ...AuditEntry.properties, service: Type.String() })),
    next: Type.Union([Type.String(), Type.Null()]),
    missing: Type.Array(Type.String(), {
      description: 'services that could not be asked, whose entries are not in this page',
    }),
  },
  { $id: 'AuditLog' },
);
export type AuditLog = Static<typeof AuditLog>;

export const listCustomers = {
  method: 'GET',
  path: '/api/admin/customers',
  tag: 'admin',
  summary: 'Customers, newest first',
  query: CustomerQuery,
  responses: { 200: pageOf(Customer) },
  access: 'staff',
} satisfies Endpoint;

export const changeRole = {
  method: 'PATCH',
  path: '/api/admin/customers/{id}',
  tag: 'admin',
  summary: 'Make a customer staff, or staff a customer',
  params: Type.Object({ id: Type.String({ maxLength: 64 }) }),
  body: RoleChange,
  responses: { 200: Customer },
  access: 'owner',
} satisfies Endpoint;

export const readAuditLog = {
  method: 'GET',
  path: '/api/admin/audit-log',
  tag: 'admin',
  summary: 'Who did what, newest first, gathered from every service',
  query: AuditQuery,
  responses: { 200: AuditLog },
  access: 'staff',
} satisfies Endpoint;

export const adminCustomerEndpoints: readonly Endpoint[] = [
  listCustomers,
  changeRole,
  readAuditLog,
];
