/**
 * The crowds that the policies must meet. Each workload draws its size from the seed too, so that
 * no fleet can be right by having guessed the rate.
 *
 * Constant, uniform, exponential and chained are the classic course assignment on scaling a web
 * shop: everything starts at once with one server per tier and intervals from tenths of a second
 * to seconds. A day is squeezed into one hour, which makes its slopes 24 times steeper.
 */
import { type Crowd, createCrowd } from './crowd.ts';
import { createRandom, exponential, logUniform, normal, type Random, uniform } from './random.ts';

export interface Workload {
  readonly name: string;
  readonly title: string;
  readonly about: string;
  crowd(seed: number): Crowd;
  /** Latency of the payment provider added to a purchase, by time since the start. */
  paymentMs(now: number): number;
  /** The expected crowd of a known sale, for scheduled floors; null when nobody announced one. */
  readonly announced: AnnouncedSale | null;
}

export interface AnnouncedSale {
  readonly startsAtMs: number;
  readonly endsAtMs: number;
  readonly visitsPerSecond: number;
}

/** Between clients, in milliseconds: 0.5 to 6.7 clients a second, up to 12 busy workers. */
const intervalMsMin = 150;
const intervalMsMax = 2000;

type Spacing = 'constant' | 'uniform' | 'exponential';

const noPaymentMs = () => 0;

const paymentGrowsMs = 600_000;
const paymentMsMax = 1200;

const flash = {
  quietPerSecond: 0.2,
  /** Times the quiet rate. */
  peak: 100,
  rampMs: 5000,
  opensAtMs: 60_000,
  decayMs: 900_000,
  lastsMs: 3_000_000,
};

export const workloads: readonly Workload[] = [
  course('constant', 'Constant arrivals', 'one client every m ms, 30 to 300 s'),
  course('uniform', 'Uniform arrivals', 'intervals uniform in 0 to 2m, 30 to 300 s'),
  course('exponential', 'Exponential arrivals', 'a Poisson crowd of mean interval m, 30 to 300 s'),
  {
    name: 'chained',
    title: 'Chained arrivals',
    about: '3 to 6 of the former one after the other, 30 to 240 s each',
    crowd: chainedCrowd,
    paymentMs: noPaymentMs,
    announced: null,
  },
  {
    name: 'day',
    title: 'Day curve',
    about: 'a day in one hour: night 0.3, evening 5 clients/s, with noise of 15 %',
    crowd: dayCrowd,
    paymentMs: noPaymentMs,
    announced: null,
  },
  flashSale('flash-announced', 'Flash sale, announced', true),
  flashSale('flash', 'Flash sale, unannounced', false),
  {
    name: 'slow-payment',
    title: 'Payment slows down',
    about: 'a steady Poisson crowd while payment latency grows from 0 to 1.2 s in ten minutes',
    crowd: (seed) => {
      const random = createRandom(seed, 'slow-payment');
      const meanMs = logUniform(random, 250, 1000);
      const arrivals = spaced('exponential', meanMs, 0, paymentGrowsMs, random);
      return createCrowd(arrivals, createRandom(seed, 'slow-payment visits'));
    },
    paymentMs: (now) => paymentMsMax * Math.min(1, now / paymentGrowsMs),
    announced: null,
  },
];

export function workloadNamed(name: string): Workload {
  const found = workloads.find((workload) => workload.name === name);
  if (found === undefined) throw new RangeError(`no workload named ${name}`);
  return found;
}

function course(spacing: Spacing, title: string, about: string): Workload {
  const crowd = (seed: number) => {
    const random = createRandom(seed, spacing);
    const meanMs = logUniform(random, intervalMsMin, intervalMsMax);
    const lastsMs = uniform(random, 30_000, 300_000);
    const arrivals = spaced(spacing, meanMs, 0, lastsMs, random);
    return createCrowd(arrivals, createRandom(seed, `${spacing} visits`));
  };
  return { name: spacing, title, about, crowd, paymentMs: noPaymentMs, announced: null };
}

function spaced(
  spacing: Spacing,
  meanMs: number,
  fromMs: number,
  untilMs: number,
  random: Random,
): number[] {
  const arrivals: number[] = [];
  const interval = () => {
    if (spacing === 'constant') return meanMs;
    return spacing === 'uniform' ? uniform(random, 0, 2 * meanMs) : exponential(random, meanMs);
  };
  for (let at = fromMs + interval(); at < untilMs; at += interval()) arrivals.push(at);
  return arrivals;
}

function chainedCrowd(seed: number): Crowd {
  const random = createRandom(seed, 'chained');
  const spacings: readonly Spacing[] = ['constant', 'uniform', 'exponential'];
  const links = 3 + Math.floor(random.next() * 4);
  const arrivals: number[] = [];
  let at = 0;
  for (let link = 0; link < links; link++) {
    const spacing = spacings[Math.floor(random.next() * spacings.length)] ?? 'constant';
    const until = at + uniform(random, 30_000, 240_000);
    const meanMs = logUniform(random, intervalMsMin, intervalMsMax);
    for (const arrival of spaced(spacing, meanMs, at, until, random)) arrivals.push(arrival);
    at = until;
  }
  return createCrowd(arrivals, createRandom(seed, 'chained visits'));
}

/** Arrivals of a Poisson process whose rate per second changes, by thinning the highest rate. */
function thinned(
  rateAt: (ms: number) => number,
  rateMax: number,
  untilMs: number,
  random: Random,
): number[] {
  const arrivals: number[] = [];
  const meanMs = 1000 / rateMax;
  for (let at = exponential(random, meanMs); at < untilMs; at += exponential(random, meanMs)) {
    if (random.next() * rateMax < rateAt(at)) arrivals.push(at);
  }
  return arrivals;
}

const dayMs = 3_600_000;
const nightPerSecond = 0.3;
const eveningPerSecond = 5;

function dayCrowd(seed: number): Crowd {
  const random = createRandom(seed, 'day');
  const noise = slowNoise(random, dayMs, 60_000, 0.15);
  const size = uniform(random, 0.7, 1.3);
  const shift = uniform(random, 0, 1);
  const rateAt = (ms: number) => {
    const day = 0.5 - 0.5 * Math.cos(2 * Math.PI * (ms / dayMs + shift));
    // Squared: nights are long and evenings pointed.
    const rate = nightPerSecond + (eveningPerSecond - nightPerSecond) * day * day;
    return rate * size * (noise[Math.floor(ms / 1000)] ?? 1);
  };
  const arrivals = thinned(rateAt, eveningPerSecond * 1.3 * 2, dayMs, random);
  return createCrowd(arrivals, createRandom(seed, 'day visits'));
}

/** A factor per second around 1 that wanders with the given memory and relative deviation. */
function slowNoise(random: Random, lastsMs: number, memoryMs: number, deviation: number): number[] {
  const keep = Math.exp(-1000 / memoryMs);
  const kick = deviation * Math.sqrt(1 - keep * keep);
  const factors: number[] = [];
  let level = deviation * normal(random);
  for (let second = 0; second * 1000 <= lastsMs; second++) {
    level = level * keep + kick * normal(random);
    factors.push(Math.max(0.2, Math.min(2, 1 + level)));
  }
  return factors;
}

/** Quiet, a hundred times the visitors within five seconds, and a decay over a quarter hour. */
function flashCrowd(seed: number): Crowd {
  const { quietPerSecond, peak, rampMs, opensAtMs, decayMs, lastsMs } = flash;
  const rateAt = (ms: number) => {
    if (ms < opensAtMs) return quietPerSecond;
    const crowd = Math.min(1, (ms - opensAtMs) / rampMs);
    const left = Math.exp(-Math.max(0, ms - opensAtMs - rampMs) / decayMs);
    return quietPerSecond * (1 + (peak - 1) * crowd * left);
  };
  const random = createRandom(seed, 'flash');
  const arrivals = thinned(rateAt, quietPerSecond * peak, lastsMs, random);
  return createCrowd(arrivals, createRandom(seed, 'flash visits'));
}

function flashSale(name: string, title: string, announced: boolean): Workload {
  const about = 'quiet at 0.2 clients/s, × 100 within 5 s, then decaying (mean 15 min)';
  const sale = {
    startsAtMs: flash.opensAtMs,
    endsAtMs: flash.opensAtMs + 60_000,
    visitsPerSecond: flash.quietPerSecond * flash.peak,
  };
  return {
    name,
    title,
    about,
    crowd: flashCrowd,
    paymentMs: noPaymentMs,
    announced: announced ? sale : null,
  };
}
