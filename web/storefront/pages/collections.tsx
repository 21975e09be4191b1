import type { PageRequest } from '../../../src/api/storefront-page.ts';
import { type CollectionFacts, CollectionGrid } from '../collection-card.tsx';
import type { PageView } from '../page-view.ts';
import { restingPage } from './error.tsx';

export async function collectionsPage(request: PageRequest): Promise<PageView> {
  const answer = await request.read('/api/collections?limit=100');
  if (answer.kind !== 'found') return restingPage(request);
  const { items } = answer.body as { items: readonly CollectionFacts[] };
  return {
    status: 200,
    title: 'Collections | Doorbuster',
    content: (
      <div className="page-width section">
        <h1>Collections</h1>
        {items.length > 0 ? (
          <CollectionGrid collections={items} />
        ) : (
          <p className="lead">
            Nothing is sorted into collections yet. <a href="/products">See all toys</a>.
          </p>
        )}
      </div>
    ),
  };
}
