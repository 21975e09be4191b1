/**
 * The accepted keys that this gateway knows. With them a purchase can be refused as sold out
 * without asking the database, and still a purchase that was accepted before is never refused.
 *
 * Modes: *incomplete* (each refusal first asks the orders service) and *complete* (the filter holds
 * every key that was ever accepted: the old ones were loaded, and new ones come on live streams
 * from all orders instances). A lost stream, or more keys than `keysMax`, makes it incomplete; it
 * loads again when all streams are live.
 *
 * Never: "never accepted" for an accepted key. A key that another gateway sent at this moment may
 * be accepted and still on its way here. Its sender has no answer yet, so both orders of the two
 * requests are valid.
 */
import { uuidTime } from '../../../kit/uuid-v7.ts';
import { KeyFilter } from './key-filter.ts';

/** All keys are loaded at the start, with 32 characters each, so their number is bounded. */
export const keysMax = 4_000_000;

/**
 * Loads a page of keys of checkouts whose ids (UUIDv7) are greater than `after`, and the last id.
 */
export type LoadKeys = (after: string) => Promise<{ keys: readonly string[]; last: string }>;

const firstId = '00000000-0000-0000-0000-000000000000';
/** At most so long before its checkout is accepted an id is made. */
const overlapMs = 60_000;

export class KeyMemory {
  readonly #load: LoadKeys;
  #filter = new KeyFilter();
  #session = 0;
  #complete = false;
  #last = firstId;

  constructor(load: LoadKeys) {
    this.#load = load;
  }

  /** Keys that this gateway is about to send to the queue, or that a stream announced. */
  add(keys: readonly string[]): void {
    for (const key of keys) this.#filter.add(key);
  }

  /** True only if this key was certainly never accepted. */
  neverAccepted(key: string): boolean {
    return this.#complete && !this.#filter.mayHave(key);
  }

  /** All streams have become live: loads the missed keys. New keys are added meanwhile. */
  async streamsLive(): Promise<void> {
    this.#session += 1;
    const session = this.#session;
    this.#complete = false;
    let after = earlier(this.#last);
    for (;;) {
      const { keys, last } = await this.#load(after);
      if (session !== this.#session) return;
      this.add(keys);
      if (this.#filter.count > keysMax) return;
      if (keys.length === 0) break;
      after = last;
      this.#last = last;
    }
    this.#complete = true;
  }

  streamLost(): void {
    this.#session += 1;
    this.#complete = false;
  }
}

/** An id `overlapMs` before this one. */
function earlier(id: string): string {
  if (id === firstId) return id;
  const time = (uuidTime(id) - overlapMs).toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}${firstId.slice(13)}`;
}
