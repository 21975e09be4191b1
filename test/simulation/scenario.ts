/**
 * What one seed decides before anything happens: how big the shop is, how its network behaves,
 * which limits its workers have, what goes wrong and how often.
 */
import { logUniform, type Random, uniform, uniformInteger } from '../../eval/scaling/random.ts';
import {
  type BatcherLimits,
  batcherLimits,
} from '../../src/services/gateway/purchase/intake-batcher.ts';
import { type WorkerLimits, workerLimits } from '../../src/services/worker/ports.ts';
import type { NetworkConditions } from './simulated-network.ts';

export interface Scenario {
  /**
   * `calm`: nothing fails, the network is slow at most; everything that can be placed must be.
   * `poisoned`: calm, but for checkouts that a service cannot digest; the others must not suffer.
   * `attacked`: calm, but for buyers who pay by what is never answered; the others must not wait.
   */
  readonly mode: 'calm' | 'poisoned' | 'attacked' | 'troubled';
  /** Purchases with such a payment, and how many buyers send them. */
  readonly deadPurchases: number;
  readonly attackers: number;
  readonly workers: number;
  readonly gateways: number;
  /** Instances of the orders service. */
  readonly ordersServices: number;
  readonly skus: number;
  readonly unitsMax: number;
  readonly purchases: number;
  /** Purchases come in bursts over this time; faults, restocks and cancels too. */
  readonly spanMs: number;
  readonly burstMax: number;
  readonly burstMs: number;
  readonly expiryMs: number;
  /** How long a client waits for an answer before it asks again with its key. */
  readonly patienceMs: number;
  readonly callDeadlineMs: number;
  readonly clockSkewMsMax: number;
  readonly network: NetworkConditions;
  readonly faultEveryMs: number;
  readonly restocks: number;
  readonly cancels: number;
  /** How often a purchase is one that a service cannot digest, 0 to 1. */
  readonly poison: number;
  readonly workerLimits: WorkerLimits;
  readonly batcherLimits: BatcherLimits;
}

/** How long a history is: how many purchases come over how many simulated milliseconds. */
export interface HistorySize {
  readonly purchases: number;
  readonly spanMs: number;
  readonly idlePollMs: number;
}

const calmShare = 0.1;
const poisonedShare = 0.1;
const attackedShare = 0.05;
const minuteMs = 60_000;

export function drawHistorySize(random: Random): HistorySize {
  return {
    purchases: uniformInteger(random, 4, 36),
    spanMs: logUniform(random, 1_000, 40_000),
    idlePollMs: Math.round(logUniform(random, 500, 2_000)),
  };
}

export function drawScenario(random: Random, size: HistorySize): Scenario {
  const dice = random.next();
  const poisoned = dice < poisonedShare;
  const attacked = dice >= 1 - attackedShare;
  const calm = attacked || dice < poisonedShare + calmShare;
  const often = (chance: number, low: number, high: number): number =>
    !calm && random.next() < chance ? logUniform(random, low, high) : 0;
  return {
    mode: poisoned ? 'poisoned' : attacked ? 'attacked' : calm ? 'calm' : 'troubled',
    deadPurchases: attacked ? uniformInteger(random, 20, 60) : 0,
    attackers: attacked ? uniformInteger(random, 1, 60) : 1,
    workers: uniformInteger(random, 1, 4),
    gateways: uniformInteger(random, 1, 3),
    ordersServices: uniformInteger(random, 1, 2),
    skus: uniformInteger(random, 1, 4),
    unitsMax: uniformInteger(random, 1, Math.max(4, size.purchases * 3)),
    purchases: size.purchases,
    // long enough for a stubborn checkout to be claimed more often than `attemptsMax`
    spanMs: Math.max(size.spanMs, poisoned ? 4 * minuteMs : attacked ? minuteMs / 2 : 0),
    burstMax: uniformInteger(random, 1, 20),
    burstMs: logUniform(random, 10, 3_000),
    expiryMs: calm ? 10 * minuteMs : Math.round(logUniform(random, 1_000, 2 * minuteMs)),
    patienceMs: calm ? minuteMs : Math.round(logUniform(random, 1_000, 30_000)),
    callDeadlineMs: calm ? 30_000 : Math.round(logUniform(random, 500, 8_000)),
    clockSkewMsMax: !calm && random.next() < 0.3 ? 3_000 : 0,
    network: {
      latencyMsMean: logUniform(random, 1, calm ? 20 : 100),
      late: often(0.5, 0.005, 0.1),
      lateMsMean: logUniform(random, 1_000, 30_000),
      requestLost: often(0.5, 0.005, 0.1),
      replyLost: often(0.5, 0.005, 0.1),
      duplicated: often(0.5, 0.005, 0.2),
      callerDies: often(0.5, 0.001, 0.03),
    },
    faultEveryMs: calm || random.next() < 0.3 ? Infinity : logUniform(random, 1_000, 20_000),
    restocks: uniformInteger(random, 0, 4),
    cancels: uniformInteger(random, 0, 5),
    poison: poisoned ? 0.2 : often(0.2, 0.01, 0.2),
    workerLimits: attacked
      ? { ...workerLimits, idlePollMs: size.idlePollMs }
      : drawWorkerLimits(random, size, calm),
    batcherLimits: {
      ...batcherLimits,
      gatherMsMax: uniformInteger(random, 1, 50),
      fewHeld: uniformInteger(random, 0, 3),
      batchMax: uniformInteger(random, 1, 16),
      retryForMs: Math.round(uniform(random, 500, 8_000)),
    },
  };
}

function drawWorkerLimits(random: Random, { idlePollMs }: HistorySize, calm: boolean) {
  const batchMin = uniformInteger(random, 1, 8);
  const limits: WorkerLimits = {
    ...workerLimits,
    batchMin,
    batchMax: batchMin * 2 ** uniformInteger(random, 0, 3),
    batchesInFlightMax: uniformInteger(random, 1, 3),
    checkoutsHeldMax: uniformInteger(random, 8, 64),
    leaseMs: Math.round(logUniform(random, 1_000, 15_000)),
    idlePollMs,
    paymentsInFlightMax: uniformInteger(random, 1, 16),
    paymentDeadlineMs: calm ? 5_000 : Math.round(logUniform(random, 500, 5_000)),
    paymentAsksMax: uniformInteger(random, 1, 3),
    paymentRetryMs: uniformInteger(random, 100, 2_000),
    unansweredBuyersMax: uniformInteger(random, 2, 20),
    probesMax: uniformInteger(random, 1, 8),
    decideEveryMs: uniformInteger(random, 25, 500),
    decideEveryMsMax: 500,
    retryMs: uniformInteger(random, 50, 500),
  };
  return limits;
}
