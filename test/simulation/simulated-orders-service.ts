/** A process of the orders service: the real intake and outcome board, before the database. */
import {
  acceptedKeys,
  decidedCheckouts,
  expectOutcomes,
  findCheckout,
  intake,
  knownKeys,
} from '../../src/api/internal/orders-routes.ts';
import { decidedStatus } from '../../src/api/purchase-answer.ts';
import type { CallOptions } from '../../src/kit/http/internal-client.ts';
import { notFound } from '../../src/kit/http/problem.ts';
import type { AnswerOf, BodyOf, QueryOf, Route } from '../../src/kit/http/route.ts';
import { Intake } from '../../src/services/orders/intake.ts';
import { OutcomeBoard } from '../../src/services/orders/outcome-board.ts';
import type { OrdersInstance, ShopWorld } from './shop-world.ts';
import type { OrdersQueue } from './simulated-orders.ts';
import type { SimulatedProcess } from './simulated-process.ts';
import type { SimulatedStream } from './simulated-stream.ts';

const tickMs = 250;

export class SimulatedOrdersService implements OrdersInstance {
  readonly process: SimulatedProcess;
  readonly #queue: OrdersQueue;
  readonly #board: OutcomeBoard;
  readonly #intake: Intake;
  #isTicking = false;

  constructor(world: ShopWorld, process: SimulatedProcess) {
    this.process = process;
    this.#queue = world.orders.queueFor(process, world.scenario.callDeadlineMs, () => false);
    this.#board = world.mutation.board?.() ?? new OutcomeBoard();
    this.#intake = new Intake({
      queue: this.#queue,
      board: this.#board,
      notifier: { notify: (arrived) => world.notifyWorkers(arrived) },
      clock: process.time,
      sessionKey: world.sessionKey,
    });
  }

  attach(stream: SimulatedStream, gateway: string): SimulatedStream {
    this.#board.attach(gateway, stream);
    return stream;
  }

  receive(lines: Buffer): void {
    this.#intake.receive(lines);
  }

  async answer(route: Route, options: CallOptions<Route>): Promise<unknown> {
    const { body, query, params, rawBody = '', headers = {} } = options;
    try {
      if (route === intake) {
        return await this.#intake.accept({
          json: rawBody,
          count: Number(headers['x-count']),
          gateway: headers['x-doorbuster-gateway'] ?? '',
          isWaitedFor: headers['x-doorbuster-held'] !== '0',
        });
      }
      if (route === expectOutcomes) {
        const { gateway, ids } = body as BodyOf<typeof expectOutcomes>;
        this.#intake.expect(gateway, ids);
        return {};
      }
    } finally {
      this.#tick();
    }
    if (route === knownKeys) {
      return { known: await this.#queue.knownKeys((body as BodyOf<typeof knownKeys>).asked) };
    }
    if (route === acceptedKeys) {
      return this.#queue.keysAfter((query as QueryOf<typeof acceptedKeys>).after ?? '');
    }
    if (route === decidedCheckouts) {
      const { ids } = body as BodyOf<typeof decidedCheckouts>;
      return { decided: (await this.#queue.outcomes(ids)).map(({ id }) => id) };
    }
    if (route === findCheckout) return this.#find(params?.['id'] ?? '');
    throw new Error(`${route.path} is not simulated`);
  }

  async #find(id: string): Promise<AnswerOf<typeof findCheckout>> {
    const found = await this.#queue.find(id);
    if (found === null) throw notFound('There is no such checkout');
    const { seq } = found;
    if (found.kind === 'queued') return { id, state: 'queued', seq, retryAt: found.retryAt };
    return decidedStatus(id, seq, found.decision);
  }

  /** As the service's timer does, but only while there is something to look for. */
  #tick(): void {
    if (this.#isTicking || this.#board.waiting === 0) return;
    this.#isTicking = true;
    this.process.time.schedule(tickMs, () => {
      this.#isTicking = false;
      void this.#intake.sendDue();
      this.#tick();
    });
  }
}
