/**
 * `npm run simulate -- purchases`: the purchase protocol over simulated days of random faults, a
 * day a seed. The real purchase code of gateway, orders service and worker runs in it; see
 * `test/simulation/`.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  describeBroken,
  simulatePurchases,
  simulateSeed,
} from '../test/simulation/simulate-purchases.ts';

export interface PurchaseSimulationOptions {
  readonly seeds: number;
  readonly firstSeed: number;
  /** Simulated hours a seed. */
  readonly hours: number;
  /** Print the first seed event by event, and nothing else. */
  readonly trace?: boolean;
  /** The folder that the figures go to. */
  readonly out: string;
}

/** Resolves to the number of seeds that broke a promise. */
export async function runPurchaseSimulation(options: PurchaseSimulationOptions): Promise<number> {
  const { seeds, firstSeed, hours, trace = false, out } = options;
  if (trace) {
    const run = await simulateSeed(firstSeed, { hours }, true);
    console.log(run.trace.join('\n'));
    if (run.violations.length > 0) {
      console.log(describeBroken({ seed: firstSeed, violations: run.violations }, hours));
    }
    return run.violations.length > 0 ? 1 : 0;
  }
  const started = performance.now();
  const report = await simulatePurchases({
    firstSeed,
    seeds,
    hours,
    onSeed: (seed, { violations }) => {
      if (violations.length > 0) console.log(describeBroken({ seed, violations }, hours));
      if (process.stderr.isTTY) process.stderr.write(`\r${seed - firstSeed + 1} of ${seeds} seeds`);
    },
  });
  if (process.stderr.isTTY) process.stderr.write('\n');
  const seconds = (performance.now() - started) / 1_000;
  const figures = { ...report, broken: report.broken.length, firstSeed, hours, seconds };
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, 'simulate-purchases.json'), JSON.stringify(figures, null, 1));
  console.log(
    `${report.seeds} seeds of ${hours} h: ${Math.round(report.simulatedHours)} simulated hours, ` +
      `${report.events} events, ${report.crashes} crashes, ${report.placed} orders, ` +
      `${report.rejected} rejections in ${seconds.toFixed(1)} s; ` +
      `${report.broken.length} seeds broke a promise`,
  );
  return report.broken.length;
}
