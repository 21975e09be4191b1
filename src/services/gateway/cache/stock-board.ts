/**
 * What is sold out, so that the crowd that must lose loses at the door.
 *
 * The stream of changes tells each new stock figure; a figure that nobody has told yet (after a
 * start, after a cut) is asked for once, in the background, while the asker goes on to the queue,
 * where the truth is. Figures carry versions, so that a slow answer never covers a newer one.
 */
import { LRUCache } from 'lru-cache';

export interface StockFigure {
  readonly sku: string;
  readonly available: number;
  readonly version: number;
}

const figuresMax = 100_000;
const askBatchMax = 100;
const askDelayMs = 20;

export type AskStock = (skus: readonly string[]) => Promise<readonly StockFigure[]>;

export class StockBoard {
  readonly #figures = new LRUCache<string, StockFigure>({ max: figuresMax });
  readonly #wanted = new Set<string>();
  readonly #ask: AskStock;
  readonly #isLive: () => boolean;
  #timer: NodeJS.Timeout | null = null;
  #session = 0;

  constructor(ask: AskStock, isLive: () => boolean) {
    this.#ask = ask;
    this.#isLive = isLive;
  }

  /** What is left where that is less than `quantity`, as far as is known this instant. */
  soldOut(sku: string, quantity = 1): { readonly available: number } | null {
    if (!this.#isLive()) return null;
    const figure = this.#figures.get(sku);
    if (figure === undefined) {
      this.#want(sku);
      return null;
    }
    return figure.available < quantity ? { available: figure.available } : null;
  }

  set(figure: StockFigure): void {
    const known = this.#figures.get(figure.sku);
    if (known === undefined || figure.version > known.version) {
      this.#figures.set(figure.sku, figure);
    }
  }

  clear(): void {
    this.#session += 1;
    this.#figures.clear();
    this.#wanted.clear();
  }

  #want(sku: string): void {
    if (this.#wanted.size >= askBatchMax) return;
    this.#wanted.add(sku);
    this.#timer ??= setTimeout(() => void this.#askWanted(), askDelayMs).unref();
  }

  async #askWanted(): Promise<void> {
    this.#timer = null;
    const skus = [...this.#wanted];
    this.#wanted.clear();
    if (skus.length === 0) return;
    const session = this.#session;
    try {
      const figures = await this.#ask(skus);
      if (session !== this.#session) return; // changes since then may have gone unheard
      for (const figure of figures) this.set(figure);
    } catch {
      // the next purchase asks again; meanwhile the queue decides
    }
  }
}
