/** Writes a drill down: `reports/drill-<name>.md` and one self-contained page beside it. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { escapeHtml } from '../escape-html.ts';
import { type Series, type Span, widePlot } from '../plot.ts';
import { type DrillFigures, figuresOf } from './drill-figures.ts';
import type { DrillResult } from './drill-run.ts';
import {
  attemptTable,
  auditTable,
  copiesTable,
  findings,
  headline,
  outcomeTable,
  recoveryTable,
  repeatedFaultTable,
  type Table,
} from './report-sections.ts';

const reports = path.resolve(import.meta.dirname, '../../reports');

/** Returns the paths that were written, Markdown first. */
export function writeReport(result: DrillResult): { markdown: string; page: string } {
  const figures = figuresOf(result);
  mkdirSync(reports, { recursive: true });
  const file = path.join(reports, `drill-${result.name}`);
  writeFileSync(`${file}.md`, markdownOf(result, figures));
  writeFileSync(`${file}.html`, pageOf(result, figures));
  return { markdown: `${file}.md`, page: `${file}.html` };
}

export function machine(): string {
  let model = 'unknown processor';
  try {
    const text = readFileSync('/proc/cpuinfo', 'utf8');
    model = /model name\s*:\s*(.+)/.exec(text)?.[1] ?? model;
  } catch {
    // not Linux
  }
  return `${model}, ${availableParallelism()} cores, Node ${process.version}`;
}

function circumstances(result: DrillResult): string {
  const { seed, ratePerSecond, startedAt, endedAt, standstills } = result;
  const seconds = Math.round((endedAt - startedAt) / 1_000);
  return (
    `Seed ${seed}; ${ratePerSecond} purchases a second for ${seconds} s, arriving whether they ` +
    `are answered or not; each shopper repeats her key until the answer is final. ${machine()}; ` +
    `shoppers, drill and the whole cluster share the cores.${standingStill(standstills)}`
  );
}

function standingStill(standstills: DrillResult['standstills']): string {
  if (standstills.length === 0) return '';
  const times = standstills.map(({ ms }) => `${(ms / 1_000).toFixed(1)} s`).join(', ');
  return ` The machine itself stood still for ${times}: gaps of that length are not the shop's.`;
}

function tablesOf(result: DrillResult, figures: DrillFigures): Table[] {
  const tables = [
    outcomeTable(figures),
    repeatedFaultTable(figures),
    recoveryTable(figures, result.startedAt),
    attemptTable(figures),
    copiesTable(result),
    auditTable(result),
  ];
  return tables.filter(({ rows }) => rows.length > 0);
}

export function markdownTable({ head, rows }: Omit<Table, 'title'>): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), `|${head.map(() => '---|').join('')}`, ...rows.map(line)].join('\n');
}

function markdownOf(result: DrillResult, figures: DrillFigures): string {
  const wrong = findings(result).map((finding) => `- ${finding}`);
  const tables = tablesOf(result, figures).map(
    (table) => `## ${table.title}\n\n${markdownTable(table)}`,
  );
  const parts = [`# ${result.title}`, headline(result), circumstances(result)];
  if (wrong.length > 0) parts.push(wrong.join('\n'));
  return `${[...parts, ...tables].join('\n\n')}\n`;
}

const style = `
:root { color-scheme: light dark; --ink: #1d2433; --paper: #fbfaf7; --faint: #d9d6cd;
  --placed: #1f8a5b; --other: #c98a12; --repeated: #c2402e; --median: #2f62c4; --worst: #8d5fc7; }
@media (prefers-color-scheme: dark) { :root { --ink: #e7e5df; --paper: #171a21; --faint: #363b47;
  --placed: #4cc38a; --other: #e0b04a; --repeated: #ef7666; --median: #7aa5f5; --worst: #bb97ea; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 1140px; margin: 2rem auto; padding: 0 1rem; }
.verdict { font-size: 1.2rem; font-weight: 600; }
.clean { color: var(--placed); } .broken { color: var(--repeated); }
figure { margin: 1.5rem 0; } svg { width: 100%; height: auto; }
.wide { overflow-x: auto; } table { border-collapse: collapse; margin: .5rem 0 1.5rem; }
td, th { border-bottom: 1px solid var(--faint); padding: .25rem .8rem .25rem 0; text-align: left;
  vertical-align: top; font-variant-numeric: tabular-nums; }`;

function pageOf(result: DrillResult, figures: DrillFigures): string {
  const { title, verdict, startedAt, marks } = result;
  const second = (at: number): number => (at - startedAt) / 1_000;
  const spans = marks.map(({ inflictedAt, healedAt, name }): Span => {
    return { from: second(inflictedAt), to: second(healedAt), name };
  });
  const wrong = findings(result).map((finding) => `<li>${escapeHtml(finding)}</li>`);
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${escapeHtml(title)}</title><style>${style}</style></head><body>`,
    `<h1>${escapeHtml(title)}</h1>`,
    `<p class="verdict ${verdict.isClean ? 'clean' : 'broken'}">` +
      `${escapeHtml(headline(result))}</p>`,
    `<p>${escapeHtml(circumstances(result))}</p>`,
    wrong.length > 0 ? `<ul>${wrong.join('')}</ul>` : '',
    ...plotsOf(figures, spans),
    ...tablesOf(result, figures).map(htmlTable),
    '</body></html>\n',
  ].join('\n');
}

function plotsOf({ seconds }: DrillFigures, spans: readonly Span[]): string[] {
  const line = (
    name: string,
    colour: string,
    value: (each: (typeof seconds)[number]) => number | null,
  ): Series => ({
    name,
    colour: `var(--${colour})`,
    points: seconds.map((each, second) => [second, value(each)]),
  });
  const throughput = [
    { ...line('orders placed', 'placed', ({ placed }) => placed), isFilled: true },
    line('sold out or declined', 'other', ({ otherEndings }) => otherEndings),
    line('requests without a final answer, repeated', 'repeated', ({ repeated }) => repeated),
  ];
  const latency = [
    line('worst', 'worst', ({ worst }) => worst),
    line('median', 'median', ({ median }) => median),
  ];
  const xLabel = 'seconds';
  return [
    widePlot(throughput, { xLabel, yLabel: 'a second', spans }),
    widePlot(latency, { xLabel, yLabel: 'ms from first request to order', spans }),
  ];
}

function htmlTable({ title, head, rows }: Table): string {
  const row = (cells: readonly string[], tag: string): string =>
    `<tr>${cells.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`).join('')}</tr>`;
  return (
    `<h2>${escapeHtml(title)}</h2><div class="wide"><table><thead>${row(head, 'th')}</thead>` +
    `<tbody>${rows.map((cells) => row(cells, 'td')).join('\n')}</tbody></table></div>`
  );
}
