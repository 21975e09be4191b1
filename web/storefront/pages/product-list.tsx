import type { Collection, ProductSummary } from '../../../src/api/product.ts';
import type { PageQuery, PageRequest } from '../../../src/api/storefront-page.ts';
import { Icon } from '../../ui/icon.tsx';
import type { PageAddress, PageView } from '../page-view.ts';
import { ProductGrid } from '../product-card.tsx';
import { missingPage, restingPage } from './error.tsx';

type Sort = readonly [value: string, label: string];

const priceAndTitle: readonly Sort[] = [
  ['price', 'Price, low to high'],
  ['-price', 'Price, high to low'],
  ['title', 'A to Z'],
];
/** The first is what the catalogue does unasked, so its address says nothing. */
const listSorts: readonly Sort[] = [['', 'Newest'], ...priceAndTitle];
const searchSorts: readonly Sort[] = [['', 'Best match'], ['newest', 'Newest'], ...priceAndTitle];

const perPage = 24;
const searchCharactersMax = 255;

interface ListProps {
  readonly title: string;
  readonly lead?: string | undefined;
  readonly address: PageAddress;
  readonly items: readonly ProductSummary[];
  readonly next: string | null;
  readonly empty: React.ReactNode;
}

type Read = PageRequest['read'];

/** `path` with the query of this page and some of it replaced; an empty value removes. */
function addressWith({ path, query }: PageAddress, changes: Record<string, string>): string {
  const changed = new URLSearchParams();
  for (const name of ['q', 'sort', 'after'] as const) {
    const value = changes[name] ?? query.get(name) ?? '';
    if (value !== '') changed.set(name, value);
  }
  return changed.size === 0 ? path : `${path}?${changed}`;
}

function sortOf(query: PageQuery): string {
  const wanted = query.get('sort') ?? '';
  return searchSorts.some(([sort]) => sort === wanted) ? wanted : '';
}

function readProducts(read: Read, query: PageQuery, narrow: Record<string, string>) {
  const asked = new URLSearchParams({ ...narrow, limit: String(perPage) });
  const sort = sortOf(query);
  const after = query.get('after') ?? '';
  if (sort !== '') asked.set('sort', sort);
  if (after !== '') asked.set('after', after);
  return read(`/api/products?${asked}`);
}

interface ProductPage {
  readonly items: readonly ProductSummary[];
  readonly next: string | null;
}

export async function allProductsPage({ read }: PageRequest, address: PageAddress) {
  const answer = await readProducts(read, address.query, {});
  if (answer.kind !== 'found') return failedPage(answer.kind, address);
  const list = answer.body as ProductPage;
  return listPage({
    title: 'All toys',
    lead: 'Everything on our shelves.',
    address,
    ...list,
    empty: <p className="lead">The shelves are being filled. Come back in a minute.</p>,
  });
}

export async function collectionPage({ read }: PageRequest, address: PageAddress) {
  const handle = address.parameter;
  const [collection, products] = await Promise.all([
    read(`/api/collections/${encodeURIComponent(handle)}`),
    readProducts(read, address.query, { collection: handle }),
  ]);
  if (collection.kind !== 'found') return failedPage(collection.kind, address);
  if (products.kind !== 'found') return failedPage(products.kind, address);
  const { title, productCount } = collection.body as Collection;
  return listPage({
    title,
    lead: productCount === 1 ? 'One toy on this shelf.' : `${productCount} toys on this shelf.`,
    address,
    ...(products.body as ProductPage),
    empty: <p className="lead">Nothing on this shelf right now.</p>,
  });
}

export async function searchPage({ read }: PageRequest, address: PageAddress): Promise<PageView> {
  const typed = (address.query.get('q') ?? '').replaceAll(/\p{Cc}/gu, ' ');
  const text = typed.trim().slice(0, searchCharactersMax);
  if (text === '') {
    return {
      ...listPage({
        title: 'Search',
        lead: 'What are you looking for?',
        address,
        items: [],
        next: null,
        empty: <SearchHints />,
      }),
      searchText: '',
    };
  }
  const answer = await readProducts(read, address.query, { search: text });
  if (answer.kind !== 'found') return failedPage(answer.kind, address);
  const view = listPage({
    title: `“${text}”`,
    lead: 'Search results',
    address,
    ...(answer.body as ProductPage),
    empty: (
      <>
        <p className="lead">
          No toy answers to that. Check the spelling, try a shorter word, or look around:
        </p>
        <SearchHints />
      </>
    ),
  });
  return { ...view, searchText: text };
}

function SearchHints() {
  const hints = ['dinosaur', 'bear', 'puzzle', 'kite', 'train', 'music'];
  return (
    <ul className="chips">
      {hints.map((hint) => (
        <li key={hint}>
          <a className="chip" href={`/search?q=${hint}`}>
            {hint}
          </a>
        </li>
      ))}
    </ul>
  );
}

function failedPage(kind: 'missing' | 'unavailable', address: PageAddress): PageView {
  return kind === 'missing' ? missingPage('shelf') : restingPage(address);
}

function listPage(props: ListProps): PageView {
  return {
    status: 200,
    title: `${props.title} | Doorbuster`,
    content: <ProductList {...props} />,
    ...(props.lead === undefined ? {} : { description: props.lead }),
  };
}

function ProductList({ title, lead, address, items, next, empty }: ListProps) {
  const sort = sortOf(address.query);
  const sorts = address.path === '/search' ? searchSorts : listSorts;
  const isLaterPage = address.query.has('after');
  return (
    <div className="page-width section">
      <div className="list-head">
        <div>
          <h1>{title}</h1>
          {lead !== undefined && lead !== '' && <p className="lead">{lead}</p>}
        </div>
      </div>
      {items.length > 1 && (
        <nav className="sort-bar" aria-label="Sort">
          <ul className="chips">
            {sorts.map(([value, label]) => (
              <li key={value}>
                <a
                  className="chip"
                  href={addressWith(address, { sort: value, after: '' })}
                  aria-current={value === sort ? 'true' : undefined}
                >
                  {label}
                </a>
              </li>
            ))}
          </ul>
        </nav>
      )}
      {items.length > 0 ? <ProductGrid products={items} label={title} /> : empty}
      {(next !== null || isLaterPage) && (
        <nav className="paging" aria-label="Pages">
          {isLaterPage && (
            <a className="button button-quiet" href={addressWith(address, { after: '' })}>
              <Icon name="back" /> First page
            </a>
          )}
          {next !== null && (
            <a
              className="button button-secondary"
              rel="next"
              href={addressWith(address, { after: next })}
            >
              More toys <Icon name="arrow" />
            </a>
          )}
        </nav>
      )}
    </div>
  );
}
