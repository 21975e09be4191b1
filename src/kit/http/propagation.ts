/**
 * What a request passes on from service to service: its id, its trace (W3C Trace Context), and its
 * deadline. As in gRPC's deadline propagation, the time that is left is sent as a duration, since
 * clocks differ.
 *
 * A call that is made for many requests at once (offers for carts, intake, claimed batches, the
 * renewal of sessions) belongs to none of them and passes nothing of this on.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { performance } from 'node:perf_hooks';

/** Milliseconds that the caller will wait. The gateway sets it and ignores that of a client. */
export const timeoutHeader = 'x-doorbuster-timeout-ms';

const tracedHeaders = ['x-request-id', 'traceparent'] as const;
const timeoutForm = /^\d{1,9}$/;

export interface Propagated {
  readonly headers: Readonly<Record<string, string>>;
  /** On the clock of `performance.now()`; infinite where the caller sent no time limit. */
  readonly endsAt: number;
}

/** Call it as soon as the request has come: its time runs from `now` on. */
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
  const isGiven = typeof timeout === 'string' && timeoutForm.test(timeout);
  return { headers: passed, endsAt: isGiven ? now + Number(timeout) : Number.POSITIVE_INFINITY };
}
