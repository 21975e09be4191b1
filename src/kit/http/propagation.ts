/**
 * What goes along with a request from hop to hop: its id, its trace (W3C Trace Context), and until
 * when somebody waits for the answer ("deadline propagation", as gRPC does it: what is left of the
 * time travels as a duration, since clocks differ).
 *
 * Questions that gather the wishes of many requests (offers for carts, intake, claimed batches, the
 * renewal of a session) belong to none of them and carry nothing of this.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { performance } from 'node:perf_hooks';

/** Milliseconds that the caller will wait. Never believed from outside: the gateway sets it. */
export const timeoutHeader = 'x-doorbuster-timeout-ms';

const tracedHeaders = ['x-request-id', 'traceparent'] as const;
const timeoutForm = /^\d{1,9}$/;

export interface Propagated {
  readonly headers: Readonly<Record<string, string>>;
  /** On the clock of `performance.now()`; infinite where the caller did not say. */
  readonly endsAt: number;
}

/** To be asked when the request has just come: its time runs from then on. */
export function propagatedFrom(
  { headers }: { readonly headers: IncomingHttpHeaders },
  now: number = performance.now(),
): Propagated {
  const passed: Record<string, string> = {};
  for (const name of tracedHeaders) {
    const value = headers[name];
    if (typeof value === 'string') passed[name] = value;
  }
  const timeout = headers[timeoutHeader];
  const isSaid = typeof timeout === 'string' && timeoutForm.test(timeout);
  return { headers: passed, endsAt: isSaid ? now + Number(timeout) : Number.POSITIVE_INFINITY };
}
