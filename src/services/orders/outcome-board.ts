/**
 * Who waits for which checkout, and how they are told.
 *
 * A gateway keeps one endless stream open to every orders instance and names the checkouts that
 * it waits for (its intake batches do so by themselves). An outcome reaches the board as a hint
 * from a worker, or, where the hint was lost, by the poll: the table is the truth. Lines travel as
 * bytes (strings of one character a byte), `id status location body`, and are passed on unparsed.
 *
 * What must never hold: a wait that nobody will ever answer. So every wait older than
 * `pollAfterMs` is looked up, and a wait leaves the board only when its line was written or its
 * gateway's stream ended (the gateway then registers its waits again, here or elsewhere).
 */
import type { ServerResponse } from 'node:http';

export const pollAfterMs = 250;
const pollIdsMax = 1_000;
const idLength = 36;

interface Wait {
  readonly gateway: string;
  since: number;
}

export class OutcomeBoard {
  readonly #streams = new Map<string, ServerResponse>();
  readonly #waits = new Map<string, Wait>();

  get waiting(): number {
    return this.#waits.size;
  }

  /** A gateway's stream: one a gateway, a newer one replaces the older. */
  attach(gateway: string, stream: ServerResponse): void {
    this.#streams.get(gateway)?.end();
    this.#streams.set(gateway, stream);
    stream.on('close', () => {
      if (this.#streams.get(gateway) !== stream) return;
      this.#streams.delete(gateway);
      for (const [id, wait] of this.#waits) if (wait.gateway === gateway) this.#waits.delete(id);
    });
  }

  expect(gateway: string, ids: readonly string[], now: number): void {
    for (const id of ids) this.#waits.set(id, { gateway, since: now });
  }

  /** Passes lines on to the gateways that wait for them. */
  tell(lines: readonly string[]): void {
    const texts = new Map<string, string>();
    for (const line of lines) {
      const id = line.slice(0, idLength);
      const wait = this.#waits.get(id);
      if (wait === undefined) continue;
      this.#waits.delete(id);
      texts.set(wait.gateway, `${texts.get(wait.gateway) ?? ''}${line}\n`);
    }
    for (const [gateway, text] of texts) this.#streams.get(gateway)?.write(text, 'latin1');
  }

  /** Says something to every gateway but one, e.g. the queue's figures to all. */
  broadcast(line: string, except?: string): void {
    for (const [gateway, stream] of this.#streams) {
      if (gateway !== except) stream.write(`${line}\n`);
    }
  }

  /** Is there any gateway but this one? */
  hasOthers(gateway: string): boolean {
    return this.#streams.size > (this.#streams.has(gateway) ? 1 : 0);
  }

  /** Waits that are due for a look at the table; each comes again after `pollAfterMs`. */
  due(now: number): string[] {
    const ids: string[] = [];
    for (const [id, wait] of this.#waits) {
      if (now - wait.since < pollAfterMs) continue;
      this.#waits.delete(id); // to the end, so that all have their turn
      wait.since = now;
      this.#waits.set(id, wait);
      ids.push(id);
      if (ids.length >= pollIdsMax) break;
    }
    return ids;
  }

  close(): void {
    for (const stream of this.#streams.values()) stream.end();
    this.#streams.clear();
    this.#waits.clear();
  }
}
