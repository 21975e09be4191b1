/**
 * The access log: one line for each failure and each write, except purchases (the order log has
 * them) and new carts. Of everything else one request in `sampleEvery` is logged. It names routes
 * instead of addresses, since addresses contain cart ids and order tokens. It has no client
 * addresses and no names, since those are personal data.
 */
import { createCart } from '../../../api/cart.ts';
import type { Log } from '../../../kit/log.ts';

const sampleEvery = 100;
const slowMs = 1_000;
const sampledWrites: readonly string[] = ['buy', createCart.path];
const refusals: readonly number[] = [409, 429, 503];

export interface Visit {
  readonly requestId: string;
  readonly method: string;
  /** A rule's prefix or an own route's name. */
  readonly route: string;
  readonly status: number;
  readonly milliseconds: number;
  /** The instance that answered, `cache`, or `gateway`. */
  readonly by: string;
}

export class AccessLog {
  readonly #log: Log;
  #count = 0;

  constructor(log: Log) {
    this.#log = log;
  }

  record(visit: Visit): void {
    this.#count += 1;
    const read = visit.method === 'GET' || visit.method === 'HEAD';
    const sampled = read || sampledWrites.includes(visit.route);
    const usual = sampled && visit.status < 500 && visit.milliseconds < slowMs;
    const ordinary = usual || refusals.includes(visit.status);
    if (ordinary && this.#count % sampleEvery !== 0) return;
    if (visit.status >= 500) this.#log.warn(visit, 'request');
    else this.#log.info(visit, 'request');
  }
}
