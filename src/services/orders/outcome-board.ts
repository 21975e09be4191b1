/**
 * Who waits for which checkout, and how they get it.
 *
 * A gateway keeps one endless stream open to every orders instance and names the checkouts that
 * it waits for (its intake batches do so by themselves). An outcome reaches the board as a hint
 * from a worker, or, where the hint was lost, by the poll: the table is the truth. Lines travel as
 * bytes (strings of one character a byte), `id status location body`, and are passed on unparsed.
 *
 * Never: a wait that is never answered. So every wait older than `pollAfterMs` is looked up, and a
 * wait leaves the board only when its line was written, its gateway's stream ended (the gateway
 * then registers its waits again, here or elsewhere), or no request can be held any more
 * (`holdMsMax`): a queue of a million must not become a million waits.
 */
export const pollAfterMs = 250;
/** Longer than any answer is held. */
const holdMsMax = 45_000;
const pollIdsMax = 1_000;
const idLength = 36;

/** The answer that stays open: of `ServerResponse`, what is needed. */
export interface OutcomeStream {
  write(text: string, encoding: 'latin1'): unknown;
  end(): unknown;
  on(event: 'close', listener: () => void): unknown;
}

interface Wait {
  /** Mostly one; several where a buyer asked again through another gateway. */
  gateways: readonly string[];
  /** When it was added, or looked up last (Unix milliseconds). The map is in this order. */
  since: number;
  readonly until: number;
}

export class OutcomeBoard {
  readonly #streams = new Map<string, OutcomeStream>();
  readonly #waits = new Map<string, Wait>();

  get waiting(): number {
    return this.#waits.size;
  }

  /** A gateway's stream: one a gateway, a newer one replaces the older. */
  attach(gateway: string, stream: OutcomeStream): void {
    const older = this.#streams.get(gateway);
    this.#streams.set(gateway, stream);
    older?.end();
    stream.on('close', () => {
      if (this.#streams.get(gateway) !== stream) return;
      this.#streams.delete(gateway);
      this.#forget(gateway);
    });
  }

  #forget(gateway: string): void {
    for (const [id, wait] of this.#waits) {
      if (!wait.gateways.includes(gateway)) continue;
      wait.gateways = wait.gateways.filter((each) => each !== gateway);
      if (wait.gateways.length === 0) this.#waits.delete(id);
    }
  }

  expect(gateway: string, ids: readonly string[], now: number): void {
    const gateways = [gateway];
    for (const id of ids) {
      const known = this.#waits.get(id);
      if (known === undefined) {
        this.#waits.set(id, { gateways, since: now, until: now + holdMsMax });
      } else if (!known.gateways.includes(gateway)) known.gateways = [...known.gateways, gateway];
    }
  }

  /** Passes lines on to the gateways that wait for them. */
  send(lines: readonly string[]): void {
    const texts = new Map<string, string>();
    for (const line of lines) {
      const id = line.slice(0, idLength);
      const wait = this.#waits.get(id);
      if (wait === undefined) continue;
      this.#waits.delete(id);
      for (const gateway of wait.gateways) {
        texts.set(gateway, `${texts.get(gateway) ?? ''}${line}\n`);
      }
    }
    for (const [gateway, text] of texts) this.#streams.get(gateway)?.write(text, 'latin1');
  }

  /** Says something to every gateway but one, e.g. the queue's figures to all. */
  broadcast(line: string, except?: string): void {
    for (const [gateway, stream] of this.#streams) {
      if (gateway !== except) stream.write(`${line}\n`, 'latin1');
    }
  }

  /** True where another gateway has a stream. */
  hasOthers(gateway: string): boolean {
    return this.#streams.size > (this.#streams.has(gateway) ? 1 : 0);
  }

  /** Waits that are due for a look at the table; each comes again after `pollAfterMs`. */
  due(now: number): string[] {
    const ids: string[] = [];
    for (const [id, wait] of this.#waits) {
      if (now - wait.since < pollAfterMs) break;
      this.#waits.delete(id); // to the end, so that all have their turn
      if (now >= wait.until) continue;
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
