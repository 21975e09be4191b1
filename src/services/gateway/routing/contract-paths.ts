/** What the published contract says of a path: its methods, and the query of its reads. */
import type { Endpoint } from '../../../api/endpoint.ts';
import { kindOf, type MethodsOf } from './routes.ts';

interface Template {
  readonly pattern: RegExp;
  /** Fixed segments first: `/api/carts/mine` is not a cart with the id "mine". */
  readonly placeholders: number;
  readonly methods: string[];
  /** Names of the query parameters of its GET. */
  readonly parameters: Set<string>;
}

function templateOf(path: string): Template {
  const source = path
    .split('/')
    .map((segment) => (segment.startsWith('{') ? '[^/]+' : segment.replace(/[.*+?^$()|]/g, '\\$&')))
    .join('/');
  const placeholders = path.split('{').length - 1;
  const pattern = new RegExp(`^${source}$`);
  return { pattern, placeholders, methods: [], parameters: new Set() };
}

function templatesOf(endpoints: readonly Endpoint[]): (path: string) => Template | undefined {
  const templates = new Map<string, Template>();
  for (const { method, path, query } of endpoints) {
    const template = templates.get(path) ?? templateOf(path);
    template.methods.push(method);
    const names = method === 'GET' ? Object.keys(query?.properties ?? {}) : [];
    for (const name of names) template.parameters.add(name);
    templates.set(path, template);
  }
  const ordered = [...templates].sort(([, a], [, b]) => a.placeholders - b.placeholders);
  const byKind = Map.groupBy(ordered, ([path]) => kindOf(path));
  return (path) => byKind.get(kindOf(path))?.find(([, { pattern }]) => pattern.test(path))?.[1];
}

/** Methods by path, as the contract publishes them; null for a path that it does not know. */
export function contractMethods(endpoints: readonly Endpoint[]): MethodsOf {
  const find = templatesOf(endpoints);
  return (path) => find(path)?.methods ?? null;
}

/** What an answer at a path may depend on besides the path; null for one that nobody knows. */
export type ParametersOf = (path: string) => ReadonlySet<string> | null;

export function contractParameters(endpoints: readonly Endpoint[]): ParametersOf {
  const find = templatesOf(endpoints);
  return (path) => find(path)?.parameters ?? null;
}
