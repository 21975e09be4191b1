/**
 * What this gateway knows of accepted keys, so that the crowd behind a sell-out can be refused
 * without asking the database, and yet nobody who bought is ever answered "sold out".
 *
 * Modes: *ignorant* (every refusal asks the orders service first) and *complete* (the filter holds
 * every key that was ever accepted: all old ones were loaded, and new ones come on live
 * streams from all orders instances). A lost stream, or more keys than `keysMax`, makes it
 * ignorant again; it loads anew when all streams live.
 *
 * What must never hold: "never accepted" said of an accepted key. A key that another gateway has
 * had accepted in this very millisecond may still be on its way to us; its sender has had no answer
 * yet, so both orders of the two events are possible histories.
 */
import { uuidTime } from '../../../kit/uuid-v7.ts';
import { KeyFilter } from './key-filter.ts';

/** 32 characters a key on the wire: bounded, since it is loaded whole at the start. */
export const keysMax = 4_000_000;

/** Loads a page of keys of checkouts whose ids (UUIDv7) lie behind `after`, and the last id. */
export type LoadKeys = (after: string) => Promise<{ keys: readonly string[]; last: string }>;

const firstId = '00000000-0000-0000-0000-000000000000';
/** An id is made before its checkout is accepted, at most this long before. */
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

  /** Keys accepted through us, or announced by a stream. */
  add(keys: readonly string[]): void {
    for (const key of keys) this.#filter.add(key);
  }

  /** True only where this key was certainly never accepted. */
  neverAccepted(key: string): boolean {
    return this.#complete && !this.#filter.mayHave(key);
  }

  /** All streams live since now: load what was missed. Meanwhile keys are added as they come. */
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
