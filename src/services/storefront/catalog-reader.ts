/** Reads the catalogue for one page, and collects the surrogate keys of the answers. */
import type { CatalogAnswer } from '../../api/storefront-page.ts';
import type { InternalClient, RawAnswer } from '../../kit/http/internal-client.ts';
import type { Propagated } from '../../kit/http/propagation.ts';
import { mergeSurrogates, type SurrogateHeaders } from './surrogates.ts';

/** A page that has waited this long says that the catalogue is unavailable. */
export const catalogueDeadlineMs = 3_000;

export class CatalogueReader {
  readonly #client: Pick<InternalClient, 'raw'>;
  readonly #propagated: Propagated;
  readonly #answers: RawAnswer['headers'][] = [];
  #allFound = true;

  constructor(client: Pick<InternalClient, 'raw'>, propagated: Propagated) {
    this.#client = client;
    this.#propagated = propagated;
  }

  readonly read = async (path: string): Promise<CatalogAnswer> => {
    const answer = await this.#ask(path);
    if (answer.kind !== 'found') this.#allFound = false;
    return answer;
  };

  /** Null where the page may not be cached. */
  surrogates(): SurrogateHeaders | null {
    return this.#allFound ? mergeSurrogates(this.#answers) : null;
  }

  async #ask(path: string): Promise<CatalogAnswer> {
    try {
      const answer = await this.#client.raw('catalog', path, {
        propagated: this.#propagated,
        deadlineMs: catalogueDeadlineMs,
      });
      if (answer.status >= 500 || answer.status === 429) return { kind: 'unavailable' };
      if (answer.status >= 400) return { kind: 'missing' };
      this.#answers.push(answer.headers);
      return { kind: 'found', body: JSON.parse(answer.text) };
    } catch {
      return { kind: 'unavailable' }; // refused, cut off or too late: the page says so
    }
  }
}
