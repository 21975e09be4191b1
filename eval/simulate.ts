/** `npm run simulate -- scaling | purchases`: simulations that need no cluster. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { type PurchaseSimulationOptions, runPurchaseSimulation } from './purchase-simulation.ts';
import { evaluateAll } from './scaling/parallel-evaluation.ts';
import { judge } from './scaling/promises.ts';
import { htmlReport } from './scaling/report-html.ts';
import { markdownReport } from './scaling/report-markdown.ts';
import {
  evaluationSeedFirst,
  evaluationSeeds,
  seedsFrom,
  tuningSeedLast,
} from './scaling/seeds.ts';
import { summarize } from './scaling/summary.ts';
import { tune } from './scaling/tuning.ts';
import { workloads } from './scaling/workload.ts';

interface ScalingOptions {
  readonly seeds: number;
  readonly firstSeed: number;
  readonly threads: number;
  readonly minutes: number;
  readonly workload: readonly string[];
  readonly out: string;
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('not a whole number above 0');
  return Number(text);
}

function knownWorkload(name: string, earlier: readonly string[]): readonly string[] {
  if (workloads.some((workload) => workload.name === name)) return [...earlier, name];
  const names = workloads.map((workload) => workload.name).join(', ');
  throw new InvalidArgumentError(`known are ${names}`);
}

async function simulateScaling(options: ScalingOptions): Promise<void> {
  const chosen =
    options.workload.length > 0 ? options.workload : workloads.map((workload) => workload.name);
  const seeds = seedsFrom(options.firstSeed, options.seeds);
  const tasks = seeds.map((seed) => ({ workloads: chosen, seed }));
  const started = performance.now();
  const results = await evaluateAll(tasks, options.threads, options.minutes, (done) => {
    if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${tasks.length} seeds`);
  });
  if (process.stderr.isTTY) process.stderr.write('\n');
  if (results.length < tasks.length * chosen.length) {
    console.log(`out of time after ${results.length / chosen.length} of ${tasks.length} seeds`);
  }
  const summaries = chosen.map((workload) => summarize(workload, results));
  const facts = {
    seedFirst: options.firstSeed,
    seedLast: Math.max(...results.map((each) => each.seed)),
    tuningSeedLast,
    requests: summaries.reduce((sum, summary) => sum + summary.requests, 0),
    wallSeconds: (performance.now() - started) / 1000,
  };
  mkdirSync(options.out, { recursive: true });
  const files = {
    markdown: join(options.out, 'scaling.md'),
    html: join(options.out, 'scaling.html'),
    figures: join(options.out, 'scaling.json'),
  };
  writeFileSync(files.markdown, markdownReport(summaries, facts));
  writeFileSync(files.html, htmlReport(summaries, facts));
  writeFileSync(files.figures, JSON.stringify({ facts, summaries }, null, 1));
  for (const verdict of summaries.flatMap(judge)) {
    const word = verdict.kept ? 'kept ' : 'SHORT';
    console.log(`${word} ${verdict.workload}: ${verdict.promise}: ${verdict.figures}`);
  }
  console.log(`report: ${files.markdown}, ${files.html}`);
}

function tuneScaling(options: { readonly seeds: number; readonly minutes: number }): void {
  const onBetter = (score: number, setting: object) =>
    console.log(`${Math.exp(score).toFixed(4)} × the oracle ${JSON.stringify(setting)}`);
  tune({ ...options, onBetter });
}

const program = new Command('simulate').description('Simulations that need no cluster');
program
  .command('scaling')
  .description('our scaling policy against others, on crowds that nobody tuned on')
  .option('--seeds <count>', 'crowds per workload', wholeNumber, evaluationSeeds)
  .option('--first-seed <seed>', 'the first of them', wholeNumber, evaluationSeedFirst)
  .option('--threads <count>', 'threads to compute on', wholeNumber, 1)
  .option('--minutes <count>', 'start no further crowd after this', wholeNumber, 60)
  .option('--workload <name>', 'only this one; may be repeated', knownWorkload, [])
  .option('--out <folder>', 'where the report goes', 'reports')
  .action(simulateScaling);
program
  .command('purchases')
  .description('the purchase protocol under random faults, judged by the history checker')
  .option('--seeds <count>', 'histories', wholeNumber, 100)
  .option('--first-seed <seed>', 'the first of them', wholeNumber, 1)
  .option('--hours <count>', 'simulated hours a seed', wholeNumber, 24)
  .option('--trace', 'print the first seed event by event')
  .option('--out <folder>', 'where the figures go', 'reports')
  .action(async (options: PurchaseSimulationOptions) => {
    process.exitCode = (await runPurchaseSimulation(options)) > 0 ? 1 : 0;
  });
program
  .command('tune-scaling')
  .description('search better constants for the scaling policy, on the tuning seeds')
  .option('--seeds <count>', 'crowds per workload', wholeNumber, 16)
  .option('--minutes <count>', 'how long to search', wholeNumber, 10)
  .action(tuneScaling);
await program.parseAsync();
