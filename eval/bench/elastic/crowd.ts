/** The buyers of `npm run bench -- elastic`: phases of random arrivals, the same for each run. */
import { seededRandom } from '../../load/purchase-load.ts';

export type PhaseName = 'quiet' | 'spike' | 'calm' | 'step' | 'noise' | 'silence';

export interface Phase {
  readonly name: PhaseName;
  readonly seconds: number;
  /** Purchases a second. */
  readonly rate: number;
}

/** `each`: what one worker does in a second. */
export function phasesFor(each: number): readonly Phase[] {
  return [
    { name: 'quiet', seconds: 30, rate: 10 },
    { name: 'spike', seconds: 3, rate: 10 * each },
    { name: 'calm', seconds: 75, rate: 10 },
    { name: 'step', seconds: 25, rate: 10 * each },
    { name: 'noise', seconds: 75, rate: 3.5 * each },
    { name: 'silence', seconds: 95, rate: 0 },
  ];
}

/** Seconds from the start of the first phase. */
export function beginOf(phases: readonly Phase[], name: PhaseName): number {
  const index = phases.findIndex((phase) => phase.name === name);
  return phases.slice(0, index).reduce((sum, { seconds }) => sum + seconds, 0);
}

/** Independent arrivals (Poisson) within each phase, in milliseconds from the start. */
export function arrivals(phases: readonly Phase[], seed: number): number[] {
  const random = seededRandom(seed);
  const dueAtMs: number[] = [];
  let begin = 0;
  for (const { seconds, rate } of phases) {
    const end = begin + seconds * 1_000;
    let at = begin;
    while (rate > 0) {
      at += (-Math.log(1 - random()) / rate) * 1_000;
      if (at >= end) break;
      dueAtMs.push(at);
    }
    begin = end;
  }
  return dueAtMs;
}
