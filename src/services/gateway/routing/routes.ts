/**
 * Which service answers which request, and by which rules. Under `/api` the published contract
 * decides; everything else is a page of the storefront. The target must be normalised
 * (request-target.ts): `/%6detrics` is refused like `/metrics`.
 */
import { adminCustomerEndpoints } from '../../../api/admin-customer.ts';
import { adminProductEndpoints, importProductsEndpoint } from '../../../api/admin-product.ts';
import { cartEndpoints, createCart } from '../../../api/cart.ts';
import { controlEndpoints, followCluster } from '../../../api/control.ts';
import {
  changeProfile,
  customerEndpoints,
  eraseProfile,
  getProfile,
  signIn,
  signUp,
} from '../../../api/customer.ts';
import type { Endpoint } from '../../../api/endpoint.ts';
import {
  buy,
  followCheckout,
  getCheckout,
  getOrder,
  listOwnOrders,
  orderEndpoints,
  readIntegrity,
} from '../../../api/order.ts';
import { productEndpoints } from '../../../api/product.ts';
import { paymentEndpoints } from '../../../api/stripe-webhook-endpoint.ts';
import type { LimitName } from '../visitor/client-limits.ts';
import { docsPath, openApiPath } from './api-pages.ts';
import { operationsAt } from './contract-paths.ts';
import { pathOf } from './request-target.ts';

/** Under overload carts, accounts and orders come before pages. */
export type Priority = 'account' | 'page';

/** How the requests of one operation are answered, and with which limits. */
export interface Rule {
  /** Its path without ids: the name in metrics, in the log and for the load shedder. */
  readonly name: string;
  readonly role: 'catalog' | 'customers' | 'orders' | 'storefront' | 'supervisor';
  readonly priority: Priority;
  /** A GET may be answered from the cache, and is fetched without the visitor's identity. */
  readonly cache: 'none' | 'data' | 'page';
  readonly bodyBytesMax: number;
  /** Others are refused before the body is read. The service checks what only the owner may do. */
  readonly staffOnly: boolean;
  /** Money, staff, own account: the session must be valid now, a valid token is not enough. */
  readonly needsLiveSession: boolean;
  /** A token in the query is enough (orders), also while sessions cannot be checked. */
  readonly takesToken: boolean;
  readonly limit: LimitName;
  /** Until the head of the answer. */
  readonly deadlineMs: number;
  /** Endless answers and long uploads: passed on as they arrive, never held in memory. */
  readonly streamed: boolean;
  /** Small requests that the service also accepts in bundles (call-bundle.ts). */
  readonly bundled: boolean;
}

const kibibyte = 1_024;
const mebibyte = 1_024 * kibibyte;
const minuteMs = 60_000;

const usual = {
  priority: 'account',
  cache: 'none',
  bodyBytesMax: 64 * kibibyte,
  staffOnly: false,
  needsLiveSession: false,
  takesToken: false,
  limit: 'work',
  deadlineMs: 10_000,
  streamed: false,
  bundled: false,
} as const;

/** The role that answers each operation of the contract, and rules for all of a group. */
const served: readonly (readonly [Rule['role'], readonly Endpoint[], Partial<Rule>?])[] = [
  ['catalog', productEndpoints, { priority: 'page', cache: 'data', bundled: true }],
  ['catalog', adminProductEndpoints, { bodyBytesMax: mebibyte }],
  ['customers', cartEndpoints, { bundled: true }],
  ['customers', customerEndpoints],
  ['customers', adminCustomerEndpoints],
  ['orders', orderEndpoints],
  ['orders', paymentEndpoints, { bodyBytesMax: 256 * kibibyte }],
  ['supervisor', controlEndpoints],
];

const exceptions: ReadonlyMap<Endpoint, Partial<Rule>> = new Map<Endpoint, Partial<Rule>>([
  [createCart, { limit: 'new-cart' }],
  [signUp, { limit: 'sign-in' }],
  [signIn, { limit: 'sign-in' }],
  [getProfile, { needsLiveSession: true }],
  [changeProfile, { needsLiveSession: true, limit: 'sign-in' }],
  [eraseProfile, { needsLiveSession: true }],
  [listOwnOrders, { needsLiveSession: true }],
  [getOrder, { needsLiveSession: true, takesToken: true }],
  [
    importProductsEndpoint,
    { bodyBytesMax: 64 * mebibyte, deadlineMs: 5 * minuteMs, streamed: true },
  ],
  // It reads every row: some 25 s per million orders.
  [readIntegrity, { deadlineMs: 5 * minuteMs }],
  [followCluster, { streamed: true }],
]);

/** `/api/carts/{id}/lines/{sku}` is called `/api/carts`. */
function nameOf({ path }: Endpoint): string {
  return path.split('/{', 1)[0] ?? path;
}

export type Destination =
  | { readonly kind: 'proxy'; readonly rule: Rule }
  | { readonly kind: 'buy' | 'checkout' | 'checkout-events' | 'health' | 'api-page' | 'unknown' }
  | { readonly kind: 'wrong-method' | 'options'; readonly allow: readonly string[] };

const destinations = new Map<Endpoint, Destination>();
for (const [role, endpoints, common] of served) {
  for (const endpoint of endpoints) {
    const staffOnly = endpoint.access === 'staff' || endpoint.access === 'owner';
    const own = { name: nameOf(endpoint), role, staffOnly, needsLiveSession: staffOnly };
    const rule: Rule = { ...usual, ...own, ...common, ...exceptions.get(endpoint) };
    destinations.set(endpoint, { kind: 'proxy', rule });
  }
}
destinations.set(buy, { kind: 'buy' });
destinations.set(getCheckout, { kind: 'checkout' });
destinations.set(followCheckout, { kind: 'checkout-events' });

const page = {
  kind: 'proxy',
  rule: { ...usual, name: '/', role: 'storefront', priority: 'page', cache: 'page' },
} as const satisfies Destination;
const health: Destination = { kind: 'health' };
const apiPage: Destination = { kind: 'api-page' };
const unknown: Destination = { kind: 'unknown' };

/** Reachable on the services' own ports only. */
const insideOnly: readonly string[] = ['/internal', '/metrics', '/readyz', '/healthz'];

function within(path: string, prefix: string): boolean {
  return path === prefix || (path.startsWith(prefix) && path[prefix.length] === '/');
}

/** Null where the method is allowed, HEAD like GET; else how it is refused. */
function refusedMethod(method: string, methods: readonly string[]): Destination | null {
  if (methods.includes(method === 'HEAD' ? 'GET' : method)) return null;
  const allow = methods.includes('GET') ? [...methods, 'HEAD'] : methods;
  return { kind: method === 'OPTIONS' ? 'options' : 'wrong-method', allow };
}

/** `target`: normalised. */
export function routeOf(method: string, target: string): Destination {
  const path = pathOf(target);
  if (path === '/healthz') return refusedMethod(method, ['GET']) ?? health;
  if (path === openApiPath || within(path, docsPath)) {
    return refusedMethod(method, ['GET']) ?? apiPage;
  }
  if (insideOnly.some((prefix) => within(path, prefix))) return unknown;
  if (!within(path, '/api')) return refusedMethod(method, ['GET']) ?? page;
  const operations = operationsAt(path);
  if (operations === null) return unknown;
  const endpoint = operations.get(method === 'HEAD' ? 'GET' : method);
  if (endpoint !== undefined) return destinations.get(endpoint) ?? unknown;
  return refusedMethod(method, [...operations.keys()]) ?? unknown;
}

/** The rule by which an address in the cache is fetched. */
export function ruleOf(target: string): Rule {
  const destination = routeOf('GET', target);
  return destination.kind === 'proxy' ? destination.rule : page.rule;
}

const pageFile = /^\/((assets|media)\/|[^/]+\.[a-z0-9]+$)/;

/** True for a page itself, false for the files that it loads. */
export function isPage(destination: Destination, target: string): boolean {
  return destination === page && !pageFile.test(pathOf(target));
}
