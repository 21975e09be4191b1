import type { PageRequest } from '../../../src/api/storefront-page.ts';
import type { PageView } from '../page-view.ts';
import { readShelves, ShelfGrid } from '../shelves.tsx';
import { restingPage } from './error.tsx';

const shelvesMax = 100;

export async function collectionsPage(request: PageRequest): Promise<PageView> {
  const shelves = await readShelves(request.read, shelvesMax);
  if (shelves === null) return restingPage(request);
  return {
    status: 200,
    title: 'Collections | Doorbuster',
    content: (
      <div className="page-width section">
        <h1>Collections</h1>
        {shelves.length > 0 ? (
          <ShelfGrid shelves={shelves} />
        ) : (
          <p className="lead">
            Nothing is sorted into collections yet. <a href="/products">See all toys</a>.
          </p>
        )}
      </div>
    ),
  };
}
