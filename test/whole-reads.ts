/** Which tables a statement would read whole, by the plan that is kept for all its calls. */
import type { Database } from '../src/kit/database/postgres.ts';

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Cond'?: string;
  readonly 'Recheck Cond'?: string;
  readonly Plans?: readonly PlanNode[];
}

function nodesOf(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)];
}

/**
 * Scans of a table that look at more than the rows that were asked for, e.g. `Index Scan queue`, in
 * a session with these settings.
 */
export function wholeReads(
  database: Database,
  statement: string,
  settings: Readonly<Record<string, string>>,
): Promise<string[]> {
  return database.transaction(async (session) => {
    for (const [name, value] of Object.entries(settings)) {
      await session.query(`set local ${name} = ${value}`);
    }
    const [row] = await session.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
      `explain (generic_plan, format json) ${statement}`,
    );
    if (row === undefined) throw new Error('no plan was shown');
    return nodesOf(row['QUERY PLAN'][0].Plan)
      .filter((node) => /Scan$/.test(node['Node Type']) && node['Relation Name'] !== undefined)
      .filter((node) => (node['Index Cond'] ?? node['Recheck Cond']) === undefined)
      .map((node) => `${node['Node Type']} ${node['Relation Name']}`);
  });
}
