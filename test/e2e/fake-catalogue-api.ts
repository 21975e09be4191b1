import { collectionsOf, type FakeProduct, summaryOf } from './fake-catalogue.ts';
import type { Answer } from './fake-state.ts';

const listingVersion = '31';

/** Answers the catalogue's part of the public API from products in memory. */
export function answerCatalogue(
  { products }: { readonly products: readonly FakeProduct[] },
  url: URL,
): Answer {
  const [kind, name] = url.pathname.split('/').slice(2).map(decodeURIComponent);
  const listing = { 'surrogate-key': 'listing', 'surrogate-version': listingVersion };
  if (kind === 'collections') {
    const items = collectionsOf(products);
    if (name === undefined) return { status: 200, body: { items, next: null }, headers: listing };
    const found = items.find(({ handle }) => handle === name);
    return found === undefined ? missing : { status: 200, body: found, headers: listing };
  }
  if (name === undefined) return { ...listOf(products, url.searchParams), headers: listing };
  const product = products.find(({ handle }) => handle === name);
  if (product === undefined) return missing;
  const headers = {
    'surrogate-key': `product-${product.id}`,
    'surrogate-version': String(product.version),
  };
  return { status: 200, body: product, headers };
}

const missing: Answer = { status: 404, body: { type: 'x/not-found', title: 'x', status: 404 } };

function listOf(products: readonly FakeProduct[], query: URLSearchParams): Answer {
  const text = query.get('search')?.toLowerCase();
  const collection = query.get('collection');
  const shelf = collectionsOf(products).find(({ handle }) => handle === collection)?.title;
  const found = products
    .filter((product) => collection === null || product.collection === shelf)
    .filter((product) => text === undefined || JSON.stringify(product).toLowerCase().includes(text))
    .map(summaryOf);
  const sort = query.get('sort');
  const sign = sort === '-price' ? -1 : 1;
  if (sort === 'price' || sort === '-price') {
    found.sort((a, b) => sign * ((a.price?.amount ?? 0) - (b.price?.amount ?? 0)));
  }
  const from = Number(query.get('after') ?? 0);
  const limit = Number(query.get('limit') ?? 24);
  const next = from + limit < found.length ? String(from + limit) : null;
  return { status: 200, body: { items: found.slice(from, from + limit), next } };
}
