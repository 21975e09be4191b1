/** From samples, answers and decisions to the figures that were promised. Pure. */
import type { Sample } from './cluster-log.ts';
import { beginOf, type Phase, type PhaseName } from './crowd.ts';
import type { CrowdResult } from './crowd-load.ts';

export interface Decision {
  readonly at: string;
  readonly tier: string;
  readonly from: number;
  readonly to: number;
  readonly why: string;
}

export interface RushFigures {
  /** From the first buyer of the rush, in seconds; null where it never came. */
  readonly enoughWorkersAfter: number | null;
  readonly firstMoreAfter: number | null;
  readonly backlogGoneAfter: number | null;
  readonly backlogMax: number;
  readonly oldestAgeMax: number;
}

export interface Findings {
  readonly spike: RushFigures;
  readonly step: RushFigures;
  /** From the last buyer on, in seconds. */
  readonly backToMinimumAfter: number | null;
  readonly reversalsPerMinute: number;
  readonly supervisorShare: {
    readonly idle: number;
    readonly quiet: number;
    readonly load: number;
  };
  /** Median boot from decision to ready, from the supervisor's log. */
  readonly bootsMs: readonly number[];
}

/** A backlog that the fleet finishes within this is the normal length of a line. */
const allowedWaitSeconds = 0.25;
const goneForMs = 1_000;
/** Of the silence: by then the workers have gone, and nothing is left to do. */
const idleAfterSeconds = 65;

export interface Evidence {
  readonly phases: readonly Phase[];
  readonly samples: readonly Sample[];
  readonly decisions: readonly Decision[];
  readonly crowd: CrowdResult;
  readonly bootsMs: readonly number[];
  readonly ratePerWorker: number;
  readonly ledger: Ledger;
}

/** What the databases hold after the run. */
export interface Ledger {
  readonly accepted: number;
  readonly placed: number;
  readonly rejected: number;
  readonly undecided: number;
  /** Purchases in the payment provider's own book, and how often one was asked for again. */
  readonly captured: number;
  readonly askedAgain: number;
  readonly auditClean: boolean;
}

export function findings(evidence: Evidence): Findings {
  const { phases, samples, crowd, bootsMs } = evidence;
  const silence = crowd.startedAt + beginOf(phases, 'silence') * 1_000;
  const back = samples.find(
    ({ at, workersReady, workersStarting }) => at > silence && workersReady + workersStarting <= 1,
  );
  return {
    spike: rush(evidence, 'spike', 'calm'),
    step: rush(evidence, 'step', 'noise'),
    backToMinimumAfter: back === undefined ? null : (back.at - silence) / 1_000,
    reversalsPerMinute: reversals(evidence),
    supervisorShare: {
      idle: share(evidence, 'silence', idleAfterSeconds),
      quiet: share(evidence, 'quiet'),
      load: share(evidence, 'step'),
    },
    bootsMs,
  };
}

function rush(evidence: Evidence, name: PhaseName, next: PhaseName): RushFigures {
  const { phases, samples, crowd, ratePerWorker } = evidence;
  const begin = crowd.startedAt + beginOf(phases, name) * 1_000;
  const until = crowd.startedAt + (beginOf(phases, next) + 30) * 1_000;
  const during = samples.filter(({ at }) => at >= begin && at < until);
  const rate = phases.find((phase) => phase.name === name)?.rate ?? 0;
  const enough = Math.ceil(rate / ratePerWorker);
  const before = samples.filter(({ at }) => at < begin).at(-1)?.workersReady ?? 1;
  const after = (sample: Sample | undefined): number | null =>
    sample === undefined ? null : (sample.at - begin) / 1_000;
  const backlogMax = Math.max(0, ...during.map(({ depth }) => depth));
  const small = rate * allowedWaitSeconds;
  const peak = during.findIndex(({ depth }) => depth === backlogMax);
  const gone = during.find(({ at }, index) => {
    if (index < peak) return false;
    const then = during.filter((each) => each.at >= at && each.at < at + goneForMs);
    return then.every(({ depth }) => depth <= small);
  });
  return {
    enoughWorkersAfter: after(during.find(({ workersReady }) => workersReady >= enough)),
    firstMoreAfter: after(during.find(({ workersReady }) => workersReady > before)),
    backlogGoneAfter: after(gone),
    backlogMax,
    oldestAgeMax: Math.max(0, ...during.map(({ oldestAgeSeconds }) => oldestAgeSeconds)),
  };
}

/** How often the workers changed direction while the noise was steady. */
function reversals({ phases, crowd, decisions }: Evidence): number {
  const begin = crowd.startedAt + beginOf(phases, 'noise') * 1_000;
  const end = crowd.startedAt + beginOf(phases, 'silence') * 1_000;
  const directions = decisions
    .filter(({ tier, at }) => tier === 'worker' && Date.parse(at) >= begin && Date.parse(at) < end)
    .map(({ from, to }) => Math.sign(to - from));
  const changes = directions.filter((each, index) => index > 0 && each !== directions[index - 1]);
  return changes.length / ((end - begin) / 60_000);
}

/** The supervisor's part of a core, `from` so many seconds behind the phase's begin. */
function share({ phases, samples, crowd }: Evidence, name: PhaseName, from = 0): number {
  const begin = crowd.startedAt + beginOf(phases, name) * 1_000;
  const seconds = phases.find((phase) => phase.name === name)?.seconds ?? 0;
  const during = samples.filter(
    ({ at }) => at >= begin + from * 1_000 && at < begin + seconds * 1_000,
  );
  const [first, last] = [during.at(0), during.at(-1)];
  if (first === undefined || last === undefined || last.at <= first.at) return Number.NaN;
  return (last.supervisorCpuMs - first.supervisorCpuMs) / (last.at - first.at);
}
