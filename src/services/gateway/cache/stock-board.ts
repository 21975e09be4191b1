/**
 * What this gateway knows of SKUs: which exist, and which are sold out. So a purchase that cannot
 * succeed is refused without the queue.
 *
 * A SKU that was seen once counts as existing for ever (the reservation refuses a removed one). Its
 * stock comes from the stream of changes. After a start or a break of the stream it is not known
 * yet, so the catalog is asked once. Figures have versions: a slow answer never replaces a newer
 * one, and a figure of an earlier session of the stream is not used.
 */
import { LRUCache } from 'lru-cache';
import { gather } from '../../../kit/gather.ts';

export interface StockFigure {
  readonly sku: string;
  readonly available: number;
  readonly version: number;
}

const skusMax = 200_000;
const skusPerRequestMax = 500;

/** The figures of those among `skus` that exist. */
export type AskStock = (skus: readonly string[]) => Promise<readonly StockFigure[]>;

interface Known extends StockFigure {
  readonly session: number;
}

export class StockBoard {
  readonly #known = new LRUCache<string, Known>({ max: skusMax });
  readonly #ask: (sku: string) => Promise<StockFigure | null>;
  /** Requests under way, by SKU. */
  readonly #requests = new Map<string, Promise<void>>();
  readonly #isLive: () => boolean;
  #session = 0;

  constructor(ask: AskStock, isLive: () => boolean) {
    this.#isLive = isLive;
    this.#ask = gather(
      async (skus) => {
        const figures = new Map((await ask(skus)).map((figure) => [figure.sku, figure]));
        return skus.map((sku) => figures.get(sku) ?? null);
      },
      { batchMax: skusPerRequestMax },
    );
  }

  /** True where all these SKUs are known to exist. */
  knowsAll(lines: readonly { readonly sku: string }[]): boolean {
    return lines.every(({ sku }) => this.#known.has(sku));
  }

  /**
   * The first of these SKUs that does not exist, or null. If the catalog does not answer, all count
   * as existing: the reservation decides.
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

  /** The available quantity if it is known at this moment to be less than `quantity`, else null. */
  soldOut(sku: string, quantity = 1): { readonly available: number } | null {
    if (!this.#isLive()) return null;
    const known = this.#known.get(sku);
    if (known === undefined || known.session !== this.#session) {
      this.#learn(sku).catch(() => {}); // the queue decides this one, the next one asks again
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

  /** Changes may have been missed: the known figures are not used any more. */
  clear(): void {
    this.#session += 1;
  }

  #learn(sku: string): Promise<void> {
    const underWay = this.#requests.get(sku);
    if (underWay !== undefined) return underWay;
    const session = this.#session;
    const request = this.#ask(sku)
      .then((figure) => {
        if (figure !== null) this.set(figure, session);
      })
      .finally(() => this.#requests.delete(sku));
    this.#requests.set(sku, request);
    return request;
  }
}
