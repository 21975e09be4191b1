import type { Endpoint } from '../../api/endpoint.ts';
import { kindOf, type MethodsOf } from './routes.ts';

interface Template {
  readonly pattern: RegExp;
  /** Fixed segments first: `/api/carts/mine` is not a cart with the id "mine". */
  readonly placeholders: number;
  readonly methods: string[];
}

function templateOf(path: string): Template {
  const source = path
    .split('/')
    .map((segment) => (segment.startsWith('{') ? '[^/]+' : segment.replace(/[.*+?^$()|]/g, '\\$&')))
    .join('/');
  const placeholders = path.split('{').length - 1;
  return { pattern: new RegExp(`^${source}$`), placeholders, methods: [] };
}

/** Methods by path, as the contract publishes them; null for a path that it does not know. */
export function contractMethods(endpoints: readonly Endpoint[]): MethodsOf {
  const templates = new Map<string, Template>();
  for (const { method, path } of endpoints) {
    const template = templates.get(path) ?? templateOf(path);
    template.methods.push(method);
    templates.set(path, template);
  }
  const ordered = [...templates].sort(([, a], [, b]) => a.placeholders - b.placeholders);
  const byKind = Map.groupBy(ordered, ([path]) => kindOf(path));
  return (path) => {
    const found = byKind.get(kindOf(path))?.find(([, { pattern }]) => pattern.test(path));
    return found?.[1].methods ?? null;
  };
}
