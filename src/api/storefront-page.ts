/**
 * What the storefront service and the bundle of web pages agree on. The bundle decides what a page
 * needs and how it looks; the service knows how to ask the catalog and how to answer HTTP.
 */

/** One question to the catalog's public API, answered. An outage is an outcome, not an error. */
export type CatalogAnswer =
  | { readonly kind: 'found'; readonly body: unknown }
  | { readonly kind: 'missing' }
  | { readonly kind: 'unavailable' };

/**
 * The query parameters that any page or file of the storefront knows. Others never reach it: all
 * who come with them share one answer of the gateway's cache.
 */
export const pageParameters = ['after', 'number', 'q', 'sort', 'token', 'v', 'variant'] as const;

/** The query as far as pages know it; a `URLSearchParams` is one. */
export interface PageQuery {
  readonly size: number;
  get(name: (typeof pageParameters)[number]): string | null;
  has(name: (typeof pageParameters)[number]): boolean;
  toString(): string;
}

export interface PageRequest {
  /** Path of the page, percent-encoded as it came. */
  readonly path: string;
  readonly query: PageQuery;
  /** Asks the catalog, e.g. `/api/products/teddy-bear`. Never rejects. */
  readonly read: (path: string) => Promise<CatalogAnswer>;
}

export type RenderedPage =
  | {
      readonly kind: 'page';
      readonly status: 200 | 404 | 503;
      readonly html: string;
      /** Belongs to one shopper (its address carries a secret): no cache may keep it. */
      readonly isPrivate: boolean;
    }
  | { readonly kind: 'redirect'; readonly location: string };

/** Addresses of what a page loads, known after the client build. */
export interface PageAssets {
  readonly stylesheets: readonly string[];
  readonly fonts: readonly string[];
  /** The module that every page loads. */
  readonly script: string;
  /** For each island, the modules that its script imports, so that they load side by side. */
  readonly islands: Readonly<Record<string, readonly string[]>>;
  /** Pages add it to the addresses of pictures: with it they never change. */
  readonly picturesVersion: string;
}

export interface PageBundle {
  createRenderer(assets: PageAssets): (request: PageRequest) => Promise<RenderedPage>;
}
