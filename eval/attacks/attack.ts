/**
 * What one attacker, or a few thousand, can send to a shop from loopback addresses. An attack is
 * bounded: so many senders at once, so many requests a second, until it is told to stop.
 */
import { setTimeout as sleep } from 'node:timers/promises';

export interface AttackTarget {
  readonly port: number;
  /** What the honest buyer buys, too. */
  readonly sku: string;
  /** A session of the owner, for what a careless member of staff does. */
  readonly staffCookie: string;
  /** The honest buyer's idempotency keys begin like this, and end with the second. */
  readonly keyPrefix: string;
}

export interface Attack {
  readonly name: string;
  /** All of them send at once to begin with. */
  readonly senders: number;
  readonly requestsPerSecond: number;
  /**
   * Sends request `n` and resolves to the status of its answer, 0 where there was none. What is
   * held open ends with `over`.
   */
  send(target: AttackTarget, n: number, over: AbortSignal): Promise<number>;
}

/** Answers by status. */
export type Answers = Readonly<Record<number, number>>;

/** Attacks for so long. */
export async function runAttack(
  attack: Attack,
  target: AttackTarget,
  milliseconds: number,
): Promise<Answers> {
  const { senders, requestsPerSecond } = attack;
  const answers: Record<number, number> = {};
  const over = AbortSignal.timeout(milliseconds);
  const startedAt = performance.now();
  let sent = 0;
  const sender = async (): Promise<void> => {
    while (!over.aborted) {
      const n = sent;
      sent += 1;
      const dueAt = startedAt + (Math.max(0, n + 1 - senders) * 1_000) / requestsPerSecond;
      const waitMs = dueAt - performance.now();
      if (waitMs > 0) await sleep(waitMs, undefined, { signal: over }).catch(() => {});
      if (over.aborted) return;
      const status = await attack.send(target, n, over);
      answers[status] = (answers[status] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: senders }, sender));
  return answers;
}
