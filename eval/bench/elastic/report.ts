/** The report of `npm run bench -- elastic`: Markdown, and one page with plots. */
import { escapeHtml } from '../../escape-html.ts';
import { linePlot } from '../../plot.ts';
import type { Evidence, Findings, RushFigures } from './findings.ts';

export interface Verdict {
  readonly promise: string;
  readonly measured: string;
  readonly kept: boolean;
}

const within = (value: number | null, most: number): boolean => value !== null && value <= most;
const inSeconds = (value: number | null): string =>
  value === null ? 'never' : `${value.toFixed(1)} s`;
const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function rushRows(name: string, figures: RushFigures): Verdict[] {
  const { enoughWorkersAfter, firstMoreAfter, backlogGoneAfter, backlogMax } = figures;
  return [
    {
      promise: `${name}: enough workers within 2 s`,
      measured:
        `${inSeconds(enoughWorkersAfter)}; ` + `the first more after ${inSeconds(firstMoreAfter)}`,
      kept: within(enoughWorkersAfter, 2),
    },
    {
      promise: `${name}: backlog gone within 10 s`,
      measured:
        `${inSeconds(backlogGoneAfter)}; at most ${backlogMax} waited, ` +
        `the oldest ${figures.oldestAgeMax.toFixed(1)} s`,
      kept: within(backlogGoneAfter, 10),
    },
  ];
}

export function verdicts(found: Findings, { crowd, ledger }: Evidence): Verdict[] {
  const bought = crowd.statuses[201] ?? 0;
  const { accepted, placed, rejected, undecided, captured, askedAgain, auditClean } = ledger;
  const whole = accepted === placed && undecided === 0 && captured === placed;
  const { idle, quiet, load } = found.supervisorShare;
  return [
    ...rushRows('spike', found.spike),
    ...rushRows('step', found.step),
    {
      promise: 'back to one worker within 90 s after the last buyer',
      measured: inSeconds(found.backToMinimumAfter),
      kept: within(found.backToMinimumAfter, 90),
    },
    {
      promise: 'no checkout lost, doubled or expired',
      measured:
        `${accepted} accepted, ${placed} placed, ${rejected} rejected, ${undecided} undecided, ` +
        `${captured} paid, ${askedAgain} payments asked for again by their key, ` +
        `audit ${auditClean ? 'clean' : 'BROKEN'}`,
      kept: whole && auditClean,
    },
    {
      promise: 'every buyer has an answer',
      measured:
        `${crowd.sent} asked, ${bought} have bought, ${crowd.unanswered} unanswered; ` +
        `by status: ${JSON.stringify(crowd.statuses)}`,
      kept: bought === crowd.sent,
    },
    {
      promise: 'fewer than 2 reversals a minute under steady noise',
      measured: `${found.reversalsPerMinute.toFixed(1)}`,
      kept: found.reversalsPerMinute < 2,
    },
    {
      promise: 'the supervisor uses less than 2 % of a core when idle, 5 % under load',
      measured:
        `${percent(idle)} idle, ${percent(quiet)} with 10 purchases/s, ` +
        `${percent(load)} during the step`,
      kept: idle < 0.02 && load < 0.05,
    },
  ];
}

export interface ReportFacts {
  readonly machine: string;
  readonly found: Findings;
  readonly rows: readonly Verdict[];
}

function introduction({ machine, found }: ReportFacts, { phases, ratePerWorker }: Evidence) {
  const parts = phases.map(({ name, seconds, rate }) => `${name} ${seconds} s at ${rate}/s`);
  return (
    `${machine}, load generator on the same cores. One payment takes 200 ms and one worker has ` +
    `so many under way that it does ${ratePerWorker} purchases a second. Arrivals are random: ` +
    `${parts.join(', ')}. A worker was ready ${median(found.bootsMs).toFixed(0)} ms after the ` +
    `decision (median of ${found.bootsMs.length}; the parked spare ` +
    `${Math.min(...found.bootsMs).toFixed(0)} ms, the slowest ` +
    `${Math.max(...found.bootsMs).toFixed(0)} ms).`
  );
}

export function markdown(facts: ReportFacts, evidence: Evidence): string {
  const rows = facts.rows.map(
    ({ promise, measured, kept }) =>
      `| ${promise} | ${measured} | ${kept ? 'kept' : '**short**'} |`,
  );
  const decisions = evidence.decisions.map(({ at, why }) => `- ${at.slice(11, 23)} ${why}`);
  return [
    '# Elastic',
    '',
    introduction(facts, evidence),
    '',
    '| promise | measured | |',
    '|---|---|---|',
    ...rows,
    '',
    'Every decision of the run:',
    '',
    ...decisions,
    '',
  ].join('\n');
}

export function html(facts: ReportFacts, evidence: Evidence): string {
  const rows = facts.rows.map(
    ({ promise, measured, kept }) =>
      `<tr><td>${escapeHtml(promise)}<td>${escapeHtml(measured)}` +
      `<td>${kept ? 'kept' : '<b>short</b>'}`,
  );
  const plots = plotsOf(evidence).map((plot) => `<figure>${plot}</figure>`);
  const decisions = evidence.decisions.map(
    ({ at, why }) => `<li>${at.slice(11, 23)} ${escapeHtml(why)}`,
  );
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Elastic</title>
<style>
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse}td,th{padding:.2rem .8rem .2rem 0;text-align:left}
figure{margin:1rem 0}b{color:#b00}
</style>
<h1>Elastic</h1>
<p>${escapeHtml(introduction(facts, evidence))}</p>
<table><tr><th>promise<th>measured<th>${rows.join('')}</table>
${plots.join('\n')}
<h2>Every decision</h2><ul>${decisions.join('')}</ul>
</html>
`;
}

/** Backlog, age, workers and latency over seconds since the first phase began. */
function plotsOf({ samples, crowd }: Evidence): string[] {
  const over = (read: (sample: (typeof samples)[number]) => number): [number, number][] =>
    samples.map((sample) => [Math.max(0, (sample.at - crowd.startedAt) / 1_000), read(sample)]);
  const latencies = worstBySecond(crowd.answers);
  const x = 'seconds';
  const line = (name: string, colour: string, points: [number, number][]) => ({
    name,
    colour,
    points,
  });
  return [
    linePlot(
      [
        line(
          'backlog',
          '#1971c2',
          over((s) => s.depth),
        ),
      ],
      x,
      'checkouts waiting',
    ),
    linePlot(
      [
        line(
          'oldest',
          '#e8890c',
          over((s) => s.oldestAgeSeconds),
        ),
      ],
      x,
      'age, seconds',
    ),
    linePlot(
      [
        line(
          'ready or starting',
          '#adb5bd',
          over((s) => s.workersReady + s.workersStarting),
        ),
        line(
          'ready',
          '#d6336c',
          over((s) => s.workersReady),
        ),
      ],
      x,
      'workers',
    ),
    linePlot([line('95 % of buyers', '#2b8a3e', latencies)], x, 'purchase, seconds'),
  ];
}

/** The 95th percentile of each second, in seconds. */
function worstBySecond(answers: Evidence['crowd']['answers']): [number, number][] {
  const bySecond = new Map<number, number[]>();
  for (const [dueAtMs, latencyMs] of answers) {
    const second = Math.floor(dueAtMs / 1_000);
    const list = bySecond.get(second);
    if (list === undefined) bySecond.set(second, [latencyMs]);
    else list.push(latencyMs);
  }
  return [...bySecond]
    .toSorted(([a], [b]) => a - b)
    .map(([second, list]) => {
      const sorted = list.toSorted((a, b) => a - b);
      return [second, (sorted[Math.floor(sorted.length * 0.95)] ?? 0) / 1_000];
    });
}
