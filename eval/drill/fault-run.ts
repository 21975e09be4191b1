/** Inflicts faults on a shop that sells, one after the other, and notes when what happened. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../faults/fault.ts';
import type { DrilledShop } from './drilled-shop.ts';
import { untilHealthy } from './health.ts';

/** Times in milliseconds since the Unix epoch. */
export interface FaultMark {
  readonly name: string;
  readonly sentence: string;
  readonly inflictedAt: number;
  readonly healedAt: number;
  /** When the whole cluster was well again; null where nobody waited for it. */
  readonly healthyAt: number | null;
}

export interface FaultStep {
  readonly fault: Fault;
  readonly lastsMs: number;
  /** Wait until all is well again before the next step, and then for this long. */
  readonly quietMs: number | null;
}

export type Say = (text: string) => void;

const healthyMsMax = 90_000;

/** Faults that are inflicted one after the other, each on a shop that is well. */
export async function inflictInTurn(
  shop: DrilledShop,
  steps: readonly FaultStep[],
  say: Say,
): Promise<FaultMark[]> {
  const marks: FaultMark[] = [];
  for (const step of steps) {
    const mark = await inflictOne(shop, step);
    marks.push(mark);
    const seconds = ((mark.healthyAt ?? 0) - mark.inflictedAt) / 1_000;
    say(`${mark.name}: ${mark.sentence}; well again after ${seconds.toFixed(1)} s`);
  }
  return marks;
}

async function inflictOne(
  shop: DrilledShop,
  { fault, lastsMs, quietMs }: FaultStep,
): Promise<FaultMark> {
  const { name, sentence } = fault;
  const inflictedAt = Date.now();
  const heal = await fault.inflict(shop);
  await sleep(lastsMs);
  await heal();
  const healedAt = Date.now();
  if (quietMs === null) return { name, sentence, inflictedAt, healedAt, healthyAt: null };
  const healthyAt = await untilHealthy(shop, healthyMsMax);
  await sleep(quietMs);
  return { name, sentence, inflictedAt, healedAt, healthyAt };
}

/** One fault every `everyMs`, whether the shop is well again or not. */
export async function inflictOnTheClock(
  shop: DrilledShop,
  steps: readonly FaultStep[],
  everyMs: number,
  say: Say,
): Promise<FaultMark[]> {
  const marks: FaultMark[] = [];
  const startedAt = performance.now();
  for (const [index, step] of steps.entries()) {
    const mark = await inflictOne(shop, { ...step, quietMs: null });
    marks.push(mark);
    say(`${new Date(mark.inflictedAt).toISOString().slice(11, 19)}  ${mark.name}`);
    await sleep(Math.max(0, startedAt + (index + 1) * everyMs - performance.now()));
  }
  return marks;
}
