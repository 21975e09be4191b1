/**
 * How the test provider behaves: well, unless `payments/test-provider.json` in the home says
 * otherwise, `{"latencyMs": 1500, "failureRate": 0.2}`. It is read anew while the worker runs, so
 * that a drill can make the provider slow or dead and well again without a restart.
 */
import { readFileSync } from 'node:fs';

const freshMs = 200;

export interface Mood {
  /** Added to every answer. */
  readonly latencyMs: number;
  /** Share of charges that get no answer, 0 to 1. */
  readonly failureRate: number;
}

/** `usual` is the mood where the file says nothing; `now` in milliseconds of a steady clock. */
export function followMood(
  file: string,
  usual: Mood,
  now: () => number = () => performance.now(),
): () => Mood {
  let mood = usual;
  let readAt = Number.NEGATIVE_INFINITY;
  return () => {
    if (now() - readAt < freshMs) return mood;
    readAt = now();
    mood = read(file, usual);
    return mood;
  };
}

function read(file: string, usual: Mood): Mood {
  try {
    const found = JSON.parse(readFileSync(file, 'utf8')) as Partial<Mood>;
    return {
      latencyMs: found.latencyMs ?? usual.latencyMs,
      failureRate: found.failureRate ?? usual.failureRate,
    };
  } catch {
    return usual; // no file is the usual case
  }
}
