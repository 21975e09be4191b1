/**
 * `npm run drill`: injects faults into a real cluster while a crowd buys, lets it recover, and
 * proves what it holds. Exit code 1 when anything was lost, doubled, different, or left without an
 * answer.
 */
import path from 'node:path';
import { Command } from 'commander';
import { faultsInTurn, randomSequence } from './drill/drill-plans.ts';
import { writeReport } from './drill/drill-report.ts';
import { type DrillPlan, runDrill } from './drill/drill-run.ts';
import { findings, headline } from './drill/report-sections.ts';
import { runToyStore } from './drill/toy-store.ts';
import { faultNames } from './faults/fault-catalogue.ts';

interface Options {
  readonly seed: string;
  readonly seconds?: string;
  readonly minutes?: string;
  readonly rate: string;
  readonly faults?: string;
  readonly runs: string;
  readonly keep?: boolean;
  readonly encrypted?: boolean;
}

const secondsDefault = 120;

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function namesOf(text: string | undefined): string[] {
  if (text === undefined) return [];
  return text === 'all' ? [...faultNames] : text.split(',').map((name) => name.trim());
}

async function drill(plan: DrillPlan, keep: boolean): Promise<void> {
  say(`${plan.title}; seed ${plan.seed}, ${plan.ratePerSecond} purchases/s`);
  const result = await runDrill(plan, say, keep);
  const { markdown, page } = writeReport(result);
  for (const finding of findings(result)) say(`- ${finding}`);
  say(headline(result));
  say(`written: ${[markdown, page].map((file) => path.relative('.', file)).join(', ')}`);
  if (!result.verdict.isClean) process.exitCode = 1;
}

function encrypted(plan: DrillPlan): DrillPlan {
  return { ...plan, env: { ...plan.env, DOORBUSTER_INTERNAL_TLS: 'on' } };
}

const program = new Command('drill')
  .description(
    'inject faults into a real cluster while a crowd buys, and prove that nothing is lost',
  )
  .option('--seed <n>', 'of the faults and of the shoppers', String(Date.now() % 100_000))
  .option('--rate <n>', 'purchases a second', '200');

program
  .command('random', { isDefault: true })
  .description('one random fault every 20 s; or, with --faults, those in turn on a whole shop')
  .option('--seconds <n>', `how long (default ${secondsDefault})`)
  .option('--minutes <n>', 'how long, in minutes')
  .option('--faults <names>', 'a list with commas, or "all"')
  .option('--runs <n>', 'how often each of --faults', '1')
  .option('--encrypted', 'with certificates between services, databases and copies')
  .option('--keep', 'leave the home with its logs where it is')
  .action(async (_options: unknown, command: Command) => {
    const options = command.optsWithGlobals<Options>();
    const plan = { seed: Number(options.seed), ratePerSecond: Number(options.rate) };
    const minutes = Number(options.minutes ?? secondsDefault / 60);
    const seconds = Number(options.seconds ?? minutes * 60);
    const names = namesOf(options.faults);
    const isTimed = options.seconds !== undefined || options.minutes !== undefined;
    const isInTurn = names.length > 0 && !isTimed;
    const runs = Number(options.runs);
    const chosen = isInTurn
      ? faultsInTurn(names, runs, plan)
      : randomSequence(seconds, names, plan);
    await drill(options.encrypted === true ? encrypted(chosen) : chosen, options.keep === true);
  });

program
  .command('toy-store')
  .description('1,000 purchases in turn with and without the death of a random copy, side by side')
  .option('--purchases <n>', 'in each run', '1000')
  .option('--runs <n>', 'pairs of runs', '3')
  .action(async (_options: unknown, command: Command) => {
    const { purchases, runs, seed } = command.optsWithGlobals<Record<string, string>>();
    const options = { purchases: Number(purchases), rounds: Number(runs), seed: Number(seed) };
    if (!(await runToyStore(options, say))) process.exitCode = 1;
  });

program
  .command('list')
  .description('the faults by name')
  .action(() => say(faultNames.join('\n')));

await program.parseAsync();
