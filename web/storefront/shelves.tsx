import type { Collection, ProductSummary } from '../../src/api/product.ts';
import type { CatalogAnswer, PageRequest } from '../../src/api/storefront-page.ts';
import { pictureUrl } from '../ui/picture-url.ts';

/** A collection with a face: the picture of its first toy. */
export interface Shelf {
  readonly collection: Collection;
  readonly image: ProductSummary['image'];
}

/** Beyond this many, a shelf has no picture: each costs a question to the catalogue. */
const picturedMax = 16;

/** Null where the catalogue cannot be asked for collections; a missing picture is no reason. */
export async function readShelves(
  read: PageRequest['read'],
  limit: number,
): Promise<readonly Shelf[] | null> {
  const answer = await read(`/api/collections?limit=${limit}`);
  if (answer.kind !== 'found') return null;
  const { items } = answer.body as { items: readonly Collection[] };
  return Promise.all(
    items.slice(0, limit).map(async (collection, index) => {
      if (index >= picturedMax) return { collection, image: null };
      const query = new URLSearchParams({ collection: collection.handle, limit: '1' });
      return { collection, image: firstImage(await read(`/api/products?${query}`)) };
    }),
  );
}

function firstImage(answer: CatalogAnswer): ProductSummary['image'] {
  if (answer.kind !== 'found') return null;
  const { items } = answer.body as { items: readonly ProductSummary[] };
  return items[0]?.image ?? null;
}

export function ShelfGrid({ shelves }: { readonly shelves: readonly Shelf[] }) {
  return (
    <ul className="collection-grid">
      {shelves.map(({ collection: { handle, title, productCount }, image }) => (
        <li key={handle} className="collection-card">
          {image !== null && (
            <img
              src={pictureUrl(image.url)}
              alt=""
              width="400"
              height="400"
              loading="lazy"
              decoding="async"
            />
          )}
          <div>
            <h3>
              <a href={`/collections/${encodeURIComponent(handle)}`}>{title}</a>
            </h3>
            <p>
              {productCount} {productCount === 1 ? 'toy' : 'toys'}
            </p>
          </div>
        </li>
      ))}
    </ul>
  );
}
