import type { Endpoint } from '../../api/endpoint.ts';
import type { MethodsOf } from './routes.ts';

interface Template {
  readonly pattern: RegExp;
  /** Fixed segments first: `/api/carts/mine` is not a cart with the id "mine". */
  readonly placeholders: number;
  readonly methods: Set<string>;
}

function templateOf(path: string): Template {
  const source = path
    .split('/')
    .map((segment) => (segment.startsWith('{') ? '[^/]+' : segment.replace(/[.*+?^$()|]/g, '\\$&')))
    .join('/');
  const placeholders = path.split('{').length - 1;
  return { pattern: new RegExp(`^${source}$`), placeholders, methods: new Set() };
}

/** Methods by path, as the contract publishes them; null for a path that it does not know. */
export function contractMethods(endpoints: readonly Endpoint[]): MethodsOf {
  const templates = new Map<string, Template>();
  for (const { method, path } of endpoints) {
    const template = templates.get(path) ?? templateOf(path);
    template.methods.add(method);
    templates.set(path, template);
  }
  const ordered = [...templates.values()].sort((a, b) => a.placeholders - b.placeholders);
  return (path) => {
    const found = ordered.find(({ pattern }) => pattern.test(path));
    return found === undefined ? null : [...found.methods];
  };
}
