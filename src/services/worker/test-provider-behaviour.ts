/**
 * How the test provider behaves: well, unless `payments/test-provider.json` in the home says
 * otherwise, `{"latencyMs": 1500, "failureRate": 0.2}`. It is read anew while the worker runs, so
 * that a drill can make the provider slow or dead and well again without a restart.
 */
import { readFileSync } from 'node:fs';

const freshMs = 200;

export interface Behaviour {
  /** Added to every answer. */
  readonly latencyMs: number;
  /** Share of charges that get no answer, 0 to 1. */
  readonly failureRate: number;
}

/** `usual` is for where the file says nothing; `now` in milliseconds of a steady clock. */
export function readBehaviour(
  file: string,
  usual: Behaviour,
  now: () => number = () => performance.now(),
): () => Behaviour {
  let behaviour = usual;
  let readAt = Number.NEGATIVE_INFINITY;
  return () => {
    if (now() - readAt < freshMs) return behaviour;
    readAt = now();
    behaviour = read(file, usual);
    return behaviour;
  };
}

function read(file: string, usual: Behaviour): Behaviour {
  try {
    const found = JSON.parse(readFileSync(file, 'utf8')) as Partial<Behaviour>;
    return {
      latencyMs: found.latencyMs ?? usual.latencyMs,
      failureRate: found.failureRate ?? usual.failureRate,
    };
  } catch {
    return usual; // no file is the usual case
  }
}
