/**
 * Who answers what. The longest matching prefix wins; a path that nobody owns under `/api` is a
 * 404 here, everything else is a page of the storefront. Decided on the normalised target
 * (request-target.ts), so that `/%6detrics` is no way around the names that stay inside.
 */
import { pathOf } from './request-target.ts';

/** Carts, accounts and orders before pages, when not everything can be answered. */
export type Priority = 'account' | 'page';

/** A set of requests that one role answers, and what they may cost. */
export interface Rule {
  readonly prefix: string;
  readonly role: 'catalog' | 'customers' | 'orders' | 'storefront' | 'supervisor';
  readonly priority: Priority;
  /** A GET may be answered from the cache, and is asked without the visitor's identity. */
  readonly cache: 'none' | 'data' | 'page';
  readonly bodyBytesMax: number;
  /** Money, staff and own accounts: the session must be alive now, whatever its token says. */
  readonly needsLiveSession: boolean;
  /** To the head of the answer. */
  readonly deadlineMs: number;
  /** Endless answers and long uploads: passed on as they come, never held in memory. */
  readonly streamed: boolean;
  /** What a crowd asks in small calls, which the service takes in bundles (call-bundle.ts). */
  readonly bundled: boolean;
}

const kibibyte = 1_024;
const bodyBytesMaxDefault = 64 * kibibyte;
const importBytesMax = 64 * kibibyte * kibibyte;
const deadlineMsDefault = 10_000;
const integrityDeadlineMs = 300_000;
const importDeadlineMs = 300_000;

function rule(prefix: string, role: Rule['role'], options: Partial<Rule> = {}): Rule {
  return {
    prefix,
    role,
    priority: 'account',
    cache: 'none',
    bodyBytesMax: bodyBytesMaxDefault,
    needsLiveSession: /^\/api\/(admin|control)\b/.test(prefix),
    deadlineMs: deadlineMsDefault,
    streamed: false,
    bundled: false,
    ...options,
  };
}

const browse = { priority: 'page', cache: 'data', bundled: true } as const;
const productBodies = { bodyBytesMax: kibibyte * kibibyte };

export const rules: readonly Rule[] = [
  rule('/api/products', 'catalog', browse),
  rule('/api/collections', 'catalog', browse),
  rule('/api/admin/products', 'catalog', productBodies),
  rule('/api/admin/products/import', 'catalog', {
    bodyBytesMax: importBytesMax,
    deadlineMs: importDeadlineMs,
    streamed: true,
  }),
  rule('/api/admin/restocks', 'catalog'),
  rule('/api/customers', 'customers'),
  rule('/api/customers/me', 'customers', { needsLiveSession: true }),
  rule('/api/customers/me/orders', 'orders', { needsLiveSession: true }),
  rule('/api/sessions', 'customers'),
  rule('/api/carts', 'customers', { bundled: true }),
  rule('/api/admin/customers', 'customers'),
  rule('/api/admin/audit-log', 'customers'),
  rule('/api/orders', 'orders', { needsLiveSession: true }),
  rule('/api/admin/orders', 'orders'),
  // signed by the payment provider over the very bytes; no browser, so no origin to check
  rule('/api/payments', 'orders', { bodyBytesMax: 256 * kibibyte }),
  // it reads every row that there is: some 25 s a million orders
  rule('/api/admin/integrity', 'orders', { deadlineMs: integrityDeadlineMs }),
  rule('/api/control', 'supervisor'),
  rule('/api/control/events', 'supervisor', { streamed: true }),
].sort((a, b) => b.prefix.length - a.prefix.length);

/** The segment behind `/api`: rules and templates are looked up among those that share it. */
export function kindOf(path: string): string {
  const start = path.indexOf('/', 1) + 1;
  const end = path.indexOf('/', start);
  return end < 0 ? path.slice(start) : path.slice(start, end);
}

const rulesByKind = Map.groupBy(rules, ({ prefix }) => kindOf(prefix));

function ruleWithin(path: string): Rule | undefined {
  return rulesByKind.get(kindOf(path))?.find(({ prefix }) => within(path, prefix));
}

export const pageRule: Rule = rule('/', 'storefront', { priority: 'page', cache: 'page' });

/** Reachable on the services' own ports only. */
const insideOnly: readonly string[] = ['/internal', '/metrics', '/readyz', '/healthz'];
const pageMethods: readonly string[] = ['GET', 'HEAD'];

export type Destination =
  | { readonly kind: 'proxy'; readonly rule: Rule }
  | { readonly kind: 'buy' | 'checkout' | 'checkout-events' }
  | { readonly kind: 'health' | 'api-page' }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'wrong-method'; readonly allow: readonly string[] }
  | { readonly kind: 'options'; readonly allow: readonly string[] };

/** Methods that a path has, by the published contract; null where the contract is silent. */
export type MethodsOf = (path: string) => readonly string[] | null;

function within(path: string, prefix: string): boolean {
  return path === prefix || (path.startsWith(prefix) && path[prefix.length] === '/');
}

function gatewayPage(path: string): Destination | null {
  if (path === '/healthz') return { kind: 'health' };
  if (path === '/api/openapi.json' || within(path, '/api/docs')) return { kind: 'api-page' };
  if (!path.startsWith('/api/checkouts/')) return null;
  const checkout = /^\/api\/checkouts\/[^/]+(\/events)?$/.exec(path);
  if (checkout === null) return null;
  return { kind: checkout[1] === undefined ? 'checkout' : 'checkout-events' };
}

function withMethod(
  method: string,
  allowed: readonly string[] | null,
  destination: Destination,
): Destination {
  if (allowed === null) return destination;
  const asked = method === 'HEAD' ? 'GET' : method;
  if (allowed.includes(asked)) return destination;
  const allow = allowed.includes('GET') ? [...new Set([...allowed, 'HEAD'])] : allowed;
  return { kind: method === 'OPTIONS' ? 'options' : 'wrong-method', allow };
}

/** The rule of a path that is passed on: what a cached address was fetched by. */
export function ruleOf(target: string): Rule {
  return ruleWithin(pathOf(target)) ?? pageRule;
}

const buying: Destination = { kind: 'buy' };

/** From a normalised target. */
export function routeOf(method: string, target: string, methodsOf: MethodsOf): Destination {
  if (method === 'POST' && target === '/api/orders') return buying;
  const path = pathOf(target);
  const own = gatewayPage(path);
  if (own !== null) return withMethod(method, pageMethods, own);
  if (insideOnly.some((prefix) => within(path, prefix))) return { kind: 'unknown' };
  if (path === '/api/orders') return withMethod(method, ['POST'], buying);
  if (!within(path, '/api')) {
    return withMethod(method, pageMethods, { kind: 'proxy', rule: pageRule });
  }
  const found = ruleWithin(path);
  if (found === undefined) return { kind: 'unknown' };
  return withMethod(method, methodsOf(path), { kind: 'proxy', rule: found });
}

const pageFile = /^\/((assets|media)\/|[^/]+\.[a-z0-9]+$)/;

/** A page to look at, and not one of the files that it loads. */
export function isPage(destination: Destination, target: string): boolean {
  if (destination.kind !== 'proxy' || destination.rule !== pageRule) return false;
  return !pageFile.test(pathOf(target));
}
