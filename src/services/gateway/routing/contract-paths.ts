/** Finds the operations of the published contract by the path of a request. */
import type { Endpoint } from '../../../api/endpoint.ts';
import { endpoints } from '../../../api/openapi.ts';

/** The operations at one path, by their methods. */
export type Operations = ReadonlyMap<string, Endpoint>;

interface Template {
  readonly pattern: RegExp;
  /** Fixed segments first: `/api/carts/mine` is not a cart with the id "mine". */
  readonly placeholders: number;
  readonly operations: Map<string, Endpoint>;
}

function templateOf(path: string): Template {
  const source = path
    .split('/')
    .map((segment) => (segment.startsWith('{') ? '[^/]+' : segment.replace(/[.*+?^$()|]/g, '\\$&')))
    .join('/');
  const placeholders = path.split('{').length - 1;
  return { pattern: new RegExp(`^${source}$`), placeholders, operations: new Map() };
}

/** The segment behind `/api`: templates are looked up among those that share it. */
function firstSegment(path: string): string {
  const start = path.indexOf('/', 1) + 1;
  const end = path.indexOf('/', start);
  return end < 0 ? path.slice(start) : path.slice(start, end);
}

const templates = new Map<string, Template>();
for (const endpoint of endpoints) {
  const template = templates.get(endpoint.path) ?? templateOf(endpoint.path);
  template.operations.set(endpoint.method, endpoint);
  templates.set(endpoint.path, template);
}
const ordered = [...templates].sort(([, a], [, b]) => a.placeholders - b.placeholders);
const bySegment = Map.groupBy(ordered, ([path]) => firstSegment(path));

/** Null for a path that the contract does not know. */
export function operationsAt(path: string): Operations | null {
  const candidates = bySegment.get(firstSegment(path));
  return candidates?.find(([, { pattern }]) => pattern.test(path))?.[1].operations ?? null;
}
