import { oursName } from './contestants.ts';
import { judge, type PromiseVerdict } from './promises.ts';
import type { PolicySummary, Spread, WorkloadSummary } from './summary.ts';
import { workloadNamed } from './workload.ts';

export interface ReportFacts {
  readonly seedFirst: number;
  readonly seedLast: number;
  readonly tuningSeedLast: number;
  readonly requests: number;
  readonly wallSeconds: number;
}

/** The whole report as Markdown. */
export function markdownReport(summaries: readonly WorkloadSummary[], facts: ReportFacts): string {
  const verdicts = summaries.flatMap(judge);
  return [
    '# Scaling, simulated',
    '',
    introduction(facts),
    '',
    '## What was promised',
    '',
    ...promiseTable(verdicts),
    '',
    ...summaries.flatMap((summary) => workloadSection(summary)),
  ].join('\n');
}

export function introduction(facts: ReportFacts): string {
  return (
    `Cost is server-seconds + 100 × unhappy clients. Seeds ${facts.seedFirst} to ` +
    `${facts.seedLast}; the constants were chosen on seeds 1 to ${facts.tuningSeedLast} only. ` +
    `± is the 95 % confidence of a mean; "from … to" are the 5th and 95th percentile over the ` +
    `crowds. ${Math.round(facts.requests / 1e6)} million requests simulated in ` +
    `${Math.round(facts.wallSeconds)} s.`
  );
}

function promiseTable(verdicts: readonly PromiseVerdict[]): string[] {
  return [
    '| workload | promise | measured | |',
    '|---|---|---|---|',
    ...verdicts.map((each) => {
      const title = workloadNamed(each.workload).title;
      const verdict = each.kept ? 'kept' : '**short**';
      return `| ${title} | ${each.promise} | ${each.figures} | ${verdict} |`;
    }),
  ];
}

function workloadSection(summary: WorkloadSummary): string[] {
  const workload = workloadNamed(summary.workload);
  return [
    `## ${workload.title}`,
    '',
    `${workload.about}. ${summary.seeds} crowds of ${whole(summary.clients.low)} to ` +
      `${whole(summary.clients.high)} clients.`,
    '',
    '| policy | cost | × oracle | per crowd | unhappy | server-seconds | s let down | actions |',
    '|---|--:|--:|--:|--:|--:|--:|--:|',
    ...summary.policies.map(policyRow),
    '',
  ];
}

function policyRow(each: PolicySummary): string {
  const name = each.policy === oursName ? `**${each.policy}**` : each.policy;
  const perSeed = each.timesOraclePerSeed;
  const cells = [
    name,
    withError(each.cost),
    each.timesOracle.toFixed(2),
    `${perSeed.low.toFixed(2)} to ${perSeed.high.toFixed(2)}`,
    withError(each.unhappy),
    withError(each.serverSeconds),
    figure(each.letDownSeconds.mean),
    figure(each.actions.mean),
  ];
  return `| ${cells.join(' | ')} |`;
}

function withError(spread: Spread): string {
  return `${figure(spread.mean)} ± ${figure(spread.meanError)}`;
}

export function figure(value: number): string {
  return value >= 100 ? whole(value) : value.toFixed(1);
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
