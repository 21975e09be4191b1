/** The report as one page that carries everything it shows. */
import { escapeHtml } from '../escape-html.ts';
import { barPlot, dotPlot, linePlot, type Series } from '../plot.ts';
import { oracleName, oursName } from './contestants.ts';
import { judge } from './promises.ts';
import { figure, introduction, type ReportFacts } from './report-markdown.ts';
import type { PolicySummary, WorkloadSummary } from './summary.ts';
import { type Timeline, timelines } from './timeline.ts';
import { workloadNamed } from './workload.ts';

const colours: Readonly<Record<string, string>> = {
  [oursName]: '#d6336c',
  [oracleName]: '#2b8a3e',
  'KEDA, fresh queue': '#1971c2',
  'two long queues': '#e8890c',
};
const otherColour = '#adb5bd';
const shownInDetail: readonly string[] = [oursName, 'KEDA, fresh queue', 'two long queues'];
/** More points than pixels only make the page heavy. */
const pointsMax = 600;
const barsMax = 4;
const barLabel = "cost in times the oracle's; whiskers: 5th to 95th percentile";

export function htmlReport(summaries: readonly WorkloadSummary[], facts: ReportFacts): string {
  const rows = summaries.flatMap(judge).map((each) => {
    const verdict = each.kept ? '<b class="kept">kept</b>' : '<b class="short">short</b>';
    const texts = [workloadNamed(each.workload).title, each.promise, each.figures];
    const cells = [...texts.map(escapeHtml), verdict];
    return `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
  });
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Scaling, simulated</title>
<style>${style}</style>
<h1>Scaling, simulated</h1>
<p>${escapeHtml(introduction(facts))}</p>
<h2>What was promised</h2>
<table><tr><th>workload<th>promise<th>measured<th></tr>${rows.join('')}</table>
${summaries.map((summary) => section(summary, facts)).join('\n')}
</html>
`;
}

function section(summary: WorkloadSummary, facts: ReportFacts): string {
  const workload = workloadNamed(summary.workload);
  const colour = (policy: string) => colours[policy] ?? otherColour;
  const bars = summary.policies.map((each) => ({
    name: each.policy,
    colour: colour(each.policy),
    value: each.timesOracle,
    low: each.timesOraclePerSeed.low,
    high: each.timesOraclePerSeed.high,
  }));
  const dots = summary.policies.map((each) => ({
    // A dozen fixed fleets stand side by side: their numbers are enough.
    name: each.policy.replace('fixed ', ''),
    colour: colour(each.policy),
    x: each.serverSeconds.mean,
    y: each.unhappy.mean,
  }));
  const detail = timelines(summary.workload, facts.seedFirst, shownInDetail);
  return `<h2>${escapeHtml(workload.title)}</h2>
<p>${escapeHtml(workload.about)}. ${summary.seeds} crowds.</p>
<div class="plots">
<div>${barPlot(bars, barsMax, barLabel)}</div>
<div>${dotPlot(dots, 'server-seconds', 'unhappy clients (root scale)')}</div>
<div>${linePlot(fleetSeries(detail), 'seconds', 'workers, and what the load needs')}</div>
<div>${linePlot(lostSeries(detail), 'seconds', 'unhappy clients so far')}</div>
</div>
<table><tr><th>policy<th>cost<th>× oracle<th>unhappy<th>server-seconds<th>s let down<th>actions</tr>
${summary.policies.map(tableRow).join('\n')}
</table>`;
}

/** The load as the number of workers that would be busy with it: requests × 250 ms. */
const workPerRequestSeconds = 0.25;

function fleetSeries(detail: readonly Timeline[]): Series[] {
  const ours = detail.find((each) => each.policy === oursName);
  const samples = ours?.samples ?? [];
  const busy = samples.map((sample, index): [number, number] => {
    const earlier = samples[Math.max(0, index - 10)] ?? sample;
    const seconds = Math.max(1, sample.second - earlier.second);
    const requests = (sample.requestsTotal - earlier.requestsTotal) / seconds;
    return [sample.second, requests * workPerRequestSeconds];
  });
  const fleets = detail.map((each) => ({
    name: each.policy,
    colour: colours[each.policy] ?? otherColour,
    points: thin(each.samples.map((sample): [number, number] => [sample.second, sample.workers])),
  }));
  return [{ name: 'needed', colour: '#495057', points: thin(busy), dashed: true }, ...fleets];
}

function lostSeries(detail: readonly Timeline[]): Series[] {
  return detail.map((each) => ({
    name: each.policy,
    colour: colours[each.policy] ?? otherColour,
    points: thin(
      each.samples.map((sample): [number, number] => [sample.second, sample.unhappyTotal]),
    ),
  }));
}

function thin<T>(points: readonly T[]): T[] {
  const every = Math.ceil(points.length / pointsMax);
  return points.filter((_, index) => index % every === 0);
}

function tableRow(each: PolicySummary): string {
  const cells = [
    figure(each.cost.mean),
    each.timesOracle.toFixed(2),
    figure(each.unhappy.mean),
    figure(each.serverSeconds.mean),
    figure(each.letDownSeconds.mean),
    figure(each.actions.mean),
  ];
  const mine = each.policy === oursName ? ' class="ours"' : '';
  const figures = cells.map((cell) => `<td class="figure">${cell}</td>`).join('');
  return `<tr${mine}><td>${escapeHtml(each.policy)}</td>${figures}</tr>`;
}

const style = `
body{font:15px/1.5 system-ui,sans-serif;color:#212529}
body{max-width:1300px;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;font-size:13px;margin:1rem 0}
td,th{border-bottom:1px solid #dee2e6;padding:3px 10px;text-align:left}
.figure{text-align:right;font-variant-numeric:tabular-nums}.ours{background:#fff0f6}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(480px,1fr));gap:12px}
figure{margin:0}.plots>div{border:1px solid #e9ecef;border-radius:6px;padding:6px}
.kept{color:#2b8a3e}.short{color:#c92a2a}`;
