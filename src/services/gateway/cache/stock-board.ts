/**
 * What this gateway knows of SKUs: that they exist, and which are sold out, so that purchases which
 * cannot succeed are refused without the queue.
 *
 * A SKU once seen is taken to exist for ever (a removed one is refused by the reservation). Its
 * figure comes from the stream of changes; after a start or a cut of the stream nobody has sent one
 * yet, so it is asked for once. Figures carry versions: a slow answer never covers a newer one, and
 * none is believed that was asked for before the stream's present session.
 */
import { LRUCache } from 'lru-cache';
import { gather } from '../../../kit/gather.ts';

export interface StockFigure {
  readonly sku: string;
  readonly available: number;
  readonly version: number;
}

const skusMax = 200_000;
const questionSkusMax = 500;

/** The figures of those among `skus` that exist. */
export type AskStock = (skus: readonly string[]) => Promise<readonly StockFigure[]>;

interface Known extends StockFigure {
  readonly session: number;
}

export class StockBoard {
  readonly #known = new LRUCache<string, Known>({ max: skusMax });
  readonly #ask: (sku: string) => Promise<StockFigure | null>;
  /** Questions under way, by SKU. */
  readonly #asked = new Map<string, Promise<void>>();
  readonly #isLive: () => boolean;
  #session = 0;

  constructor(ask: AskStock, isLive: () => boolean) {
    this.#isLive = isLive;
    this.#ask = gather(
      async (skus) => {
        const figures = new Map((await ask(skus)).map((figure) => [figure.sku, figure]));
        return skus.map((sku) => figures.get(sku) ?? null);
      },
      { batchMax: questionSkusMax },
    );
  }

  /** True where no question is needed to know that these SKUs exist. */
  knowsAll(lines: readonly { readonly sku: string }[]): boolean {
    return lines.every(({ sku }) => this.#known.has(sku));
  }

  /**
   * The first of these SKUs that does not exist, or null. Where the catalog cannot be asked, all
   * are taken to exist: the reservation decides.
   */
  async firstUnknown(skus: readonly string[]): Promise<string | null> {
    const unseen = skus.filter((sku) => !this.#known.has(sku));
    try {
      await Promise.all(unseen.map((sku) => this.#learn(sku)));
    } catch {
      return null;
    }
    return unseen.find((sku) => !this.#known.has(sku)) ?? null;
  }

  /** What is left where that is less than `quantity`, as far as is known this instant. */
  soldOut(sku: string, quantity = 1): { readonly available: number } | null {
    if (!this.#isLive()) return null;
    const known = this.#known.get(sku);
    if (known === undefined || known.session !== this.#session) {
      this.#learn(sku).catch(() => {}); // the next purchase asks again; meanwhile the queue decides
      return null;
    }
    return known.available < quantity ? { available: known.available } : null;
  }

  set({ sku, available, version }: StockFigure, session = this.#session): void {
    const known = this.#known.get(sku);
    const isNewer =
      known === undefined ||
      session > known.session ||
      (session === known.session && version > known.version);
    if (isNewer) this.#known.set(sku, { sku, available, version, session });
  }

  /** Changes may have been missed: no figure is believed any more. */
  clear(): void {
    this.#session += 1;
  }

  #learn(sku: string): Promise<void> {
    const underWay = this.#asked.get(sku);
    if (underWay !== undefined) return underWay;
    const session = this.#session;
    const question = this.#ask(sku)
      .then((figure) => {
        if (figure !== null) this.set(figure, session);
      })
      .finally(() => this.#asked.delete(sku));
    this.#asked.set(sku, question);
    return question;
  }
}
