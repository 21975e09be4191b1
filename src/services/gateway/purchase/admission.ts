/**
 * Admission: who need not wait in the queue, because the answer is known now. The crowd that must
 * lose, loses here, cheaply. A refusal at the door binds no key, so it must not be given to a
 * checkout that was accepted before: whoever would be refused for the shop's state is first asked
 * for by its key.
 */
import { Problem } from '../../../kit/http/problem.ts';
import type { CheckoutLine } from '../../../shop/checkout.ts';
import type { QueueFigures } from './outcome-subscriber.ts';

/** Below this rate (checkouts/s) the measured drain rate says more of the arrivals than of us. */
const drainRateMin = 100;

export type SoldOut = (sku: string) => { readonly available: number } | null;

/** The first line that cannot be had now, by what the catalog pushed to us; null where all can. */
export function soldOutLine(
  lines: readonly CheckoutLine[],
  soldOut: SoldOut,
): { sku: string; available: number } | null {
  for (const { sku } of lines) {
    const known = soldOut(sku);
    if (known !== null && known.available === 0) return { sku, available: 0 };
  }
  return null;
}

export function soldOutProblem({ sku, available }: { sku: string; available: number }): Problem {
  return new Problem(409, 'sold-out', 'Sold out', {
    detail: 'There is not enough left. Nothing was charged. Choose fewer or another item.',
    sku,
    available,
  });
}

/** Seconds until a checkout that joins now is decided. */
export function waitSeconds({ depth, servicePerSecond }: QueueFigures): number {
  return depth / Math.max(drainRateMin, servicePerSecond);
}

/** A promise that cannot be kept is not made: Problem 503 with `Retry-After`, or null. */
export function tooLong(figures: QueueFigures | null, waitSecondsMax: number): Problem | null {
  if (figures === null) return null;
  const seconds = waitSeconds(figures);
  if (seconds <= waitSecondsMax) return null;
  const retryAfter = Math.max(1, Math.ceil(seconds - waitSecondsMax));
  return new Problem(
    503,
    'queue-full',
    'The queue is too long just now',
    {
      detail: `${figures.depth} purchases wait, about ${Math.ceil(seconds)} s. Nothing was charged.`,
      queueDepth: figures.depth,
    },
    { 'retry-after': String(Math.min(60, retryAfter)) },
  );
}

/** Place in line and seconds to go for a place in the queue. */
export function placeInLine(
  seq: number,
  figures: QueueFigures | null,
): { position: number; etaSeconds: number } {
  if (figures === null) return { position: 1, etaSeconds: 1 };
  const position = Math.max(1, seq - figures.head + 1);
  const seconds = position / Math.max(drainRateMin, figures.servicePerSecond);
  return { position, etaSeconds: Math.max(1, Math.ceil(seconds)) };
}
