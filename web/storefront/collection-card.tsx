/** What a card needs of a collection. */
export interface CollectionFacts {
  readonly handle: string;
  readonly title: string;
  readonly productCount: number;
  readonly image: { readonly url: string; readonly alt: string } | null;
}

export function CollectionGrid({
  collections,
}: {
  readonly collections: readonly CollectionFacts[];
}) {
  return (
    <ul className="collection-grid">
      {collections.map(({ handle, title, productCount, image }) => (
        <li key={handle} className="collection-card">
          {image !== null && (
            <img src={image.url} alt="" width="400" height="400" loading="lazy" decoding="async" />
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
