/**
 * Which SKUs exist. A SKU once seen is taken to exist for ever (a removed one is refused later, by
 * the reservation); an unseen one is asked for, together with the others of this moment. Where
 * the catalog cannot be asked, everyone is let in: the queue will tell.
 */
import { LRUCache } from 'lru-cache';

const knownMax = 200_000;
const gatherMs = 2;

export type FindSkus = (skus: readonly string[]) => Promise<readonly string[]>;

export class SkuRegister {
  readonly #known = new LRUCache<string, true>({ max: knownMax });
  readonly #find: FindSkus;
  #asking: { skus: Set<string>; answer: Promise<void> } | null = null;

  constructor(find: FindSkus) {
    this.#find = find;
  }

  /** The first of these SKUs that does not exist, or null. */
  async firstUnknown(skus: readonly string[]): Promise<string | null> {
    const unseen = skus.filter((sku) => !this.#known.has(sku));
    if (unseen.length === 0) return null;
    try {
      await this.#ask(unseen);
    } catch {
      return null;
    }
    return unseen.find((sku) => !this.#known.has(sku)) ?? null;
  }

  /** True where no question is needed. */
  knowsAll(lines: readonly { readonly sku: string }[]): boolean {
    return lines.every(({ sku }) => this.#known.get(sku) === true);
  }

  #ask(skus: readonly string[]): Promise<void> {
    if (this.#asking === null) {
      const asked = new Set<string>();
      const answer = new Promise<void>((resolve, reject) => {
        setTimeout(() => {
          this.#asking = null;
          this.#find([...asked]).then((found) => {
            for (const sku of found) this.#known.set(sku, true);
            resolve();
          }, reject);
        }, gatherMs);
      });
      this.#asking = { skus: asked, answer };
    }
    for (const sku of skus) this.#asking.skus.add(sku);
    return this.#asking.answer;
  }
}
