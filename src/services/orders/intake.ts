/**
 * What the orders service does for the gateways, whatever carries it: accepts their batches, knows
 * who waits for which outcome, and sees to it that each comes.
 */
import type { intake } from '../../api/internal/orders-routes.ts';
import { outcomeLine } from '../../api/purchase-answer.ts';
import type { Clock } from '../../kit/clock.ts';
import type { AnswerOf } from '../../kit/http/route.ts';
import type { AskedKey, PostgresQueue } from '../../queue/postgres-queue.ts';
import { orderToken } from '../../shop/order-token.ts';
import type { OutcomeBoard } from './outcome-board.ts';
import type { WorkNotifier } from './work-notifier.ts';

export interface IntakeParts {
  readonly queue: Pick<PostgresQueue, 'acceptJson' | 'outcomes'>;
  readonly board: OutcomeBoard;
  readonly notifier: Pick<WorkNotifier, 'notify'>;
  readonly clock: Clock;
  readonly sessionKey: Uint8Array;
}

/** A gateway's batch. */
export interface IntakeBatch {
  /** Of NewCheckouts. */
  readonly json: string;
  readonly count: number;
  readonly gateway: string;
  /** False: nobody at the gateway waits for any of them. */
  readonly isWaitedFor: boolean;
}

export class Intake {
  readonly #parts: IntakeParts;
  #isSending = false;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
  }

  /** Resolves when the quorum has the batch. */
  async accept(batch: IntakeBatch): Promise<AnswerOf<typeof intake>> {
    const { queue, board, notifier, clock } = this.#parts;
    const { json, count, gateway, isWaitedFor } = batch;
    const { fresh, others } = await queue.acceptJson(json, count);
    const ids = fresh.map((row) => row.id);
    if (isWaitedFor) board.expect(gateway, ids, clock.now());
    if (board.hasOthers(gateway)) {
      const keys = (JSON.parse(json) as AskedKey[]).map((each) => each.key);
      board.broadcast(`keys ${keys.join(' ')}`, gateway);
    }
    if (fresh.length > 0) notifier.notify(fresh.length);
    return { fresh: fresh.map((row) => [row.id, row.seq]), others };
  }

  /** From now on that gateway waits for these; what is decided already is sent at once. */
  expect(gateway: string, ids: readonly string[]): void {
    const { board, clock } = this.#parts;
    board.expect(gateway, ids, clock.now());
    void this.#sendKnown(ids);
  }

  /** Outcome lines from a worker. Bytes, not text: each byte is a character of the lines. */
  receive(lines: Buffer): void {
    this.#parts.board.send(lines.toString('latin1').split('\n'));
  }

  /** Sends what was decided and never came; while a look goes on, the next one is left out. */
  async sendDue(): Promise<void> {
    if (this.#isSending) return;
    const { board, clock } = this.#parts;
    const due = board.due(clock.now());
    if (due.length === 0) return;
    this.#isSending = true;
    await this.#sendKnown(due);
    this.#isSending = false;
  }

  /** A failure is left to the next look. */
  async #sendKnown(ids: readonly string[]): Promise<void> {
    const { queue, board, sessionKey } = this.#parts;
    const known = await queue.outcomes(ids).catch(() => []);
    board.send(
      known.map(({ id, seq, decision }) =>
        asBytes(outcomeLine(id, seq, orderToken(sessionKey, id), decision)),
      ),
    );
  }
}

/** UTF-8 as a string of one character a byte: what the board passes on. */
function asBytes(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}
