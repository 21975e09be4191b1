/** The tests of a file, as its syntax tree shows them (pure). */
import { parseSync } from 'vite';

export interface TestCase {
  readonly line: number;
  /** `skip`, `only`, `each`, … in the order in which they are written. */
  readonly modifiers: readonly string[];
  /** Null for a suite, and for `context.skip()`. */
  readonly asserts: boolean | null;
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly [key: string]: unknown;
}

const testNames = new Set(['it', 'test']);
const suiteNames = new Set(['describe', 'suite']);
/** The waits are Playwright's: each throws where what must appear does not. */
const assertingCalls = ['expect', 'assert', 'waitFor', 'waitForURL'];

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as Node).type === 'string';
}

function isFunction({ type }: Node): boolean {
  return type.includes('Function');
}

function nodesOf(node: Node, found: Node[] = []): Node[] {
  found.push(node);
  for (const value of Object.values(node)) {
    for (const each of Array.isArray(value) ? value : [value])
      if (isNode(each)) nodesOf(each, found);
  }
  return found;
}

/** `it.skipIf(x)('…')` is [it, skipIf], `fc.assert(…)` is [fc, assert], `f().g()` is [f, g]. */
function chainOf(callee: Node): string[] {
  switch (callee.type) {
    case 'Identifier':
      return [callee['name'] as string];
    case 'CallExpression':
      return chainOf(callee['callee'] as Node);
    case 'TaggedTemplateExpression':
      return chainOf(callee['tag'] as Node);
    case 'MemberExpression': {
      const { name } = callee['property'] as { name?: string };
      return [...chainOf(callee['object'] as Node), ...(name === undefined ? [] : [name])];
    }
    default:
      return ['']; // `/x/.test(…)` begins with no name
  }
}

/** Every name of every call within a node. */
function calledIn(node: Node): Set<string> {
  const calls = nodesOf(node).filter(({ type }) => type === 'CallExpression');
  return new Set(calls.flatMap((call) => chainOf(call['callee'] as Node)));
}

/** Functions and methods that assert, by themselves or by one of this file that they call. */
function assertingNames(nodes: readonly Node[]): Set<string> {
  const called = new Map<string, Set<string>>();
  for (const node of nodes) {
    const holder = (node['id'] ?? node['key']) as { name?: unknown } | null | undefined;
    const body = isFunction(node) ? node : (node['init'] ?? node['value']);
    if (typeof holder?.name !== 'string' || !isNode(body) || !isFunction(body)) continue;
    called.set(holder.name, calledIn(body));
  }
  const asserting = new Set(assertingCalls);
  for (let before = -1; before < asserting.size; ) {
    before = asserting.size;
    for (const [name, names] of called) if (!names.isDisjointFrom(asserting)) asserting.add(name);
  }
  return asserting;
}

export function testCasesOf(file: string, text: string): TestCase[] {
  const nodes = nodesOf(parseSync(file, text).program as unknown as Node);
  const asserting = assertingNames(nodes);
  const callees = new Set(nodes.map((node) => node['callee'])); // the inner call of `it.each(…)(…)`
  return nodes.flatMap((node): TestCase[] => {
    if (node.type !== 'CallExpression' || callees.has(node)) return [];
    const [name = '', ...modifiers] = chainOf(node['callee'] as Node);
    const line = text.slice(0, node.start).split('\n').length;
    if (suiteNames.has(name)) return [{ line, modifiers, asserts: null }];
    if (testNames.has(name)) {
      const given = (node['arguments'] as Node[]).flatMap((each) => {
        return isFunction(each) ? [...calledIn(each)] : chainOf(each);
      });
      return [{ line, modifiers, asserts: given.some((each) => asserting.has(each)) }];
    }
    return modifiers.at(-1) === 'skip' ? [{ line, modifiers: ['skip'], asserts: null }] : [];
  });
}
