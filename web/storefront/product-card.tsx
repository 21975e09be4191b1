import type { ProductSummary } from '../../src/api/product.ts';
import { pictureUrl } from '../ui/picture-url.ts';
import { Price } from '../ui/price.tsx';

interface ProductCardProps {
  readonly product: ProductSummary;
  /** In the first row: its picture loads at once. */
  readonly isFirst?: boolean;
}

export function ProductCard({ product, isFirst = false }: ProductCardProps) {
  const { handle, title, vendor, image, price, priceMax, compareAtPrice, inStock } = product;
  const isReduced = compareAtPrice !== null && compareAtPrice.amount > price.amount;
  return (
    <li className="product-card" data-sold-out={inStock ? undefined : ''}>
      <div className="product-card-picture">
        {image === null ? (
          <span className="no-picture" aria-hidden="true" />
        ) : (
          <img
            src={pictureUrl(image.url)}
            alt=""
            width="400"
            height="400"
            loading={isFirst ? 'eager' : 'lazy'}
            decoding="async"
          />
        )}
        {!inStock && <span className="badge badge-sold-out">Sold out</span>}
        {inStock && isReduced && <span className="badge badge-sale">Sale</span>}
      </div>
      <h3 className="product-card-title">
        <a href={`/products/${encodeURIComponent(handle)}`}>{title}</a>
      </h3>
      <p className="product-card-vendor">{vendor}</p>
      <p className="product-card-price">
        <Price price={price} compareAt={compareAtPrice} isFrom={priceMax.amount > price.amount} />
      </p>
    </li>
  );
}

interface ProductGridProps {
  readonly products: readonly ProductSummary[];
  readonly label: string;
}

const firstRowCount = 4;

export function ProductGrid({ products, label }: ProductGridProps) {
  return (
    <div className="product-shelf">
      <ul className="product-grid" aria-label={label}>
        {products.map((product, index) => (
          <ProductCard key={product.handle} product={product} isFirst={index < firstRowCount} />
        ))}
      </ul>
    </div>
  );
}
