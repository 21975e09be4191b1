/**
 * A crowd: everyone who will come, when, and what they will do, drawn from the seed before the
 * simulation starts. Every policy therefore meets exactly the same people, and the oracle may
 * read the future here.
 *
 * A client looks at 1 to 10 pages with 1.0 to 2.2 s between, then buys; it leaves unhappy at the
 * first refusal or time-out.
 */
import { type Random, uniform, uniformInteger } from './random.ts';

export const pagesMin = 1;
export const pagesMax = 10;
const thinkMsMin = 1000;
const thinkMsMax = 2200;

export interface Crowd {
  readonly clients: number;
  readonly arrivalMs: Float64Array;
  /** Pages before the purchase. */
  readonly pages: Uint8Array;
  /** Pause before each request but the first; client `c` owns `thinkStart[c]` onward. */
  readonly thinkMs: Float32Array;
  readonly thinkStart: Int32Array;
  /** The end of the run, the same for every policy: when the last one has left, if served well. */
  readonly endMs: number;
}

/** What a request takes when nobody else is there, rounded up; only used to end the run. */
const requestMs = 400;
const lastRequestMsMax = 2000;

export function createCrowd(arrivals: readonly number[], random: Random): Crowd {
  const clients = arrivals.length;
  const pages = new Uint8Array(clients);
  const thinkStart = new Int32Array(clients);
  let pauses = 0;
  for (let client = 0; client < clients; client++) {
    pages[client] = uniformInteger(random, pagesMin, pagesMax);
    thinkStart[client] = pauses;
    pauses += pages[client] as number;
  }
  const thinkMs = new Float32Array(pauses);
  const arrivalMs = Float64Array.from(arrivals);
  let lastLeavesMs = 0;
  for (let client = 0; client < clients; client++) {
    const [start, visited] = [thinkStart[client] as number, pages[client] as number];
    let leavesMs = (arrivalMs[client] as number) + visited * requestMs + lastRequestMsMax;
    for (let pause = start; pause < start + visited; pause++) {
      thinkMs[pause] = uniform(random, thinkMsMin, thinkMsMax);
      leavesMs += thinkMs[pause] as number;
    }
    lastLeavesMs = Math.max(lastLeavesMs, leavesMs);
  }
  return { clients, arrivalMs, pages, thinkMs, thinkStart, endMs: lastLeavesMs };
}
