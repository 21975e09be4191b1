/** A drill in words and tables, once: the Markdown and the page are made of the same sections. */
import type { DrillFigures, Recovery } from './drill-figures.ts';
import { percentile } from './drill-figures.ts';
import type { DrillResult } from './drill-run.ts';

export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

const shownMax = 30;

export function ms(value: number | null): string {
  if (value === null || !Number.isFinite(value)) return '–';
  return value < 10_000 ? `${Math.round(value)} ms` : `${(value / 1_000).toFixed(1)} s`;
}

export function headline({ verdict, purchases }: DrillResult): string {
  const { violations, copies, unanswered, integrity, disappointed } = verdict;
  if (verdict.isClean) {
    return `Clean: ${purchases.length} purchases, none lost, none doubled, three copies equal.`;
  }
  const disappointments = Object.values(disappointed).reduce((a, b) => a + b, 0);
  return (
    `NOT CLEAN: ${violations.length} violations, ${copies.differences.length} differences ` +
    `between copies, ${unanswered} without an answer, ${disappointments} refused without need, ` +
    `the shop's own audit ${integrity.holds === true ? 'holds' : 'does not hold'}.`
  );
}

export function outcomeTable(figures: DrillFigures): Table {
  const { endings, medianMs, p99Ms, worstMs, longestGapMs } = figures;
  return {
    title: 'Outcomes',
    head: ['what', 'figure'],
    rows: [
      ['orders placed', String(endings.placed)],
      ['rejected as they should be (sold out, declined)', String(endings.rejected)],
      ['refused before the queue (sold out)', String(endings.refused)],
      ['no final answer in 90 s', String(endings.unanswered)],
      ['first request to final answer, median', ms(medianMs)],
      ['99 of 100 within', ms(p99Ms)],
      ['worst', ms(worstMs)],
      ['longest time without any order', ms(longestGapMs)],
    ],
  };
}

export function attemptTable({ attempts }: DrillFigures): Table {
  const rows = Object.entries(attempts)
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => [name, String(count)]);
  return { title: 'Answers to single requests', head: ['status (meaning)', 'count'], rows };
}

export function recoveryTable({ recoveries }: DrillFigures, startedAt: number): Table {
  return {
    title: 'Faults and recoveries',
    head: [
      'at',
      'fault',
      'first order of who came after',
      'new leader published',
      'longest time without an order',
      'cluster whole again',
    ],
    rows: recoveries.map(({ mark, firstOrderMs, newLeaderMs, gapMs, wholeMs }) => [
      `${((mark.inflictedAt - startedAt) / 1_000).toFixed(1)} s`,
      `${mark.name}: ${mark.sentence}`,
      ms(firstOrderMs),
      ms(newLeaderMs),
      ms(gapMs),
      ms(wholeMs),
    ]),
  };
}

/** Medians over the runs of each fault that was inflicted more than once. */
export function repeatedFaultTable({ recoveries }: DrillFigures): Table {
  const groups = Map.groupBy(recoveries, ({ mark }) => mark.name);
  const repeated = [...groups].filter(([, runs]) => runs.length > 1);
  const span = (runs: readonly Recovery[], pick: (run: Recovery) => number | null): string => {
    const values = runs.map(pick).filter((value) => value !== null);
    const sorted = values.sort((a, b) => a - b);
    if (sorted.length === 0) return '–';
    return `${ms(percentile(sorted, 0.5))} / ${ms(sorted.at(-1) ?? null)}`;
  };
  return {
    title: 'Repeated faults: median / worst',
    head: [
      'fault',
      'runs',
      'first order of who came after',
      'new leader published',
      'longest time without an order',
      'cluster whole again',
    ],
    rows: repeated.map(([name, runs]) => [
      name,
      String(runs.length),
      span(runs, (run) => run.firstOrderMs),
      span(runs, (run) => run.newLeaderMs),
      span(runs, (run) => run.gapMs),
      span(runs, (run) => run.wholeMs),
    ]),
  };
}

export function copiesTable({ verdict }: DrillResult): Table {
  const { copies } = verdict.copies;
  const rows = (copies[0]?.tables ?? []).map(({ table, rows: count }, index) => [
    table,
    String(count),
    ...copies.map((copy) => copy.tables[index]?.checksum.slice(0, 12) ?? '–'),
  ]);
  const head = ['table', 'rows', ...copies.map(({ node }) => node)];
  return { title: 'The three copies, by checksum of all rows', head, rows };
}

export function auditTable({ verdict }: DrillResult): Table {
  const rows = (verdict.integrity.invariants ?? []).map(({ name, holds, figures }) => [
    name,
    holds ? 'holds' : 'BROKEN',
    Object.entries(figures)
      .map(([figure, value]) => `${figure} ${value}`)
      .join(', '),
  ]);
  return { title: "The shop's own audit", head: ['invariant', '', 'figures'], rows };
}

/** Everything that is wrong, a line each; empty where the drill was clean. */
export function findings({ verdict }: DrillResult): string[] {
  const { violations, copies, disappointed, unanswered, integrity } = verdict;
  const lines = [
    ...violations.map(({ kind, subject, detail }) => `${kind} ${subject}: ${detail}`),
    ...copies.differences,
    ...Object.entries(disappointed).map(
      ([reason, count]) => `${count} purchases of ample stock ended as ${reason}`,
    ),
    ...(unanswered > 0 ? [`${unanswered} purchases never got a final answer`] : []),
    ...(integrity.invariants ?? [])
      .filter(({ holds }) => !holds)
      .map(({ name, violations: broken }) => `${name}: ${broken.join('; ')}`),
  ];
  const more = lines.length - shownMax;
  return more > 0 ? [...lines.slice(0, shownMax), `and ${more} more`] : lines;
}
