/** Bugs planted in what the gateway asks, and in the outcome board (planted-bugs.ts). */
import { expectOutcomes, knownKeys } from '../../src/api/internal/orders-routes.ts';
import type { InternalClient } from '../../src/kit/http/internal-client.ts';
import type { Route } from '../../src/kit/http/route.ts';
import { OutcomeBoard } from '../../src/services/orders/outcome-board.ts';

/** Answers some of the calls by itself. */
function answering(client: InternalClient, asked: Route, answer: object): InternalClient {
  const call = (route: Route, options: object): Promise<unknown> =>
    route === asked ? Promise.resolve(answer) : client.call(route as never, options);
  return { ...client, call } as InternalClient;
}

/** The orders service never learns that this gateway waits for an earlier checkout. */
export function forgetToRegister(client: InternalClient): InternalClient {
  return answering(client, expectOutcomes, {});
}

/** Believes of every key that it is new. */
export function forgetAcceptedKeys(client: InternalClient): InternalClient {
  return answering(client, knownKeys, { known: [] });
}

/** Of several gateways that wait for one checkout it knows the first. */
export class ForgetfulBoard extends OutcomeBoard {
  readonly #expected = new Set<string>();

  override expect(gateway: string, ids: readonly string[], now: number): void {
    const unknown = ids.filter((id) => !this.#expected.has(id));
    for (const id of unknown) this.#expected.add(id);
    super.expect(gateway, unknown, now);
  }
}

/** Takes it that every outcome comes by itself. */
export class PatientBoard extends OutcomeBoard {
  override due(): string[] {
    return [];
  }
}
