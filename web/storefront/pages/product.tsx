import type { Product } from '../../../src/api/product.ts';
import type { PageRequest } from '../../../src/api/storefront-page.ts';
import { Island } from '../../ui/island.tsx';
import { pictureUrl } from '../../ui/picture-url.ts';
import { moneyText } from '../../ui/price.tsx';
import { startingVariant, type VariantFacts } from '../choose-variant.ts';
import { BuyBox } from '../islands/buy-box.tsx';
import type { PageAddress, PageView } from '../page-view.ts';
import { missingPage, restingPage } from './error.tsx';

export async function productPage(request: PageRequest, address: PageAddress): Promise<PageView> {
  const answer = await request.read(`/api/products/${encodeURIComponent(address.parameter)}`);
  if (answer.kind === 'missing') return missingPage('toy');
  if (answer.kind === 'unavailable') return restingPage(request);
  const product = answer.body as Product;
  const chosen = startingVariant(product.variants, address.query.get('variant'));
  return {
    status: 200,
    title: `${product.seoTitle || product.title} | Doorbuster`,
    description: product.seoDescription || descriptionOf(product, chosen),
    content: <ProductDetails product={product} chosen={chosen} />,
    islands: chosen === undefined ? [] : ['buy-box'],
    linkedData: linkedData(product, chosen),
  };
}

function descriptionOf({ title, vendor }: Product, chosen: VariantFacts | undefined): string {
  const price = chosen === undefined ? '' : ` for ${moneyText(chosen.price)}`;
  return `${title} by ${vendor}${price}, at Doorbuster.`;
}

interface ProductDetailsProps {
  readonly product: Product;
  readonly chosen: VariantFacts | undefined;
}

function ProductDetails({ product, chosen }: ProductDetailsProps) {
  const { handle, title, vendor, type, tags, images, options, variants, descriptionHtml } = product;
  return (
    <div className="page-width section">
      <nav className="crumbs" aria-label="You are here">
        <ol>
          <li>
            <a href="/products">All toys</a>
          </li>
          {type !== '' && (
            <li>
              <a href={`/search?q=${encodeURIComponent(type)}`}>{type}</a>
            </li>
          )}
          <li aria-current="page">{title}</li>
        </ol>
      </nav>
      <div className="product">
        <Gallery title={title} images={images} />
        <div className="product-side">
          <p className="product-vendor">{vendor}</p>
          <h1>{title}</h1>
          {chosen === undefined ? (
            <p className="lead">This toy cannot be bought at the moment.</p>
          ) : (
            <Island
              name="buy-box"
              of={BuyBox}
              props={{ handle, options, variants, startSku: chosen.sku }}
            />
          )}
          <section className="product-about" aria-labelledby="about-title">
            <h2 id="about-title">About this toy</h2>
            {/* biome-ignore lint/security/noDangerouslySetInnerHtml: sanitised by the catalogue */}
            <div className="prose" dangerouslySetInnerHTML={{ __html: descriptionHtml }} />
            {tags.length > 0 && (
              <ul className="chips" aria-label="Tags">
                {tags.map((tag) => (
                  <li key={tag}>
                    <a className="chip chip-small" href={`/search?q=${encodeURIComponent(tag)}`}>
                      {tag}
                    </a>
                  </li>
                ))}
              </ul>
            )}
          </section>
        </div>
      </div>
    </div>
  );
}

interface GalleryProps {
  readonly title: string;
  readonly images: Product['images'];
}

/** A strip that scrolls and snaps; the small pictures are links to places in it. No script. */
function Gallery({ title, images }: GalleryProps) {
  if (images.length === 0) {
    return (
      <div className="gallery">
        <span className="no-picture" aria-hidden="true" />
      </div>
    );
  }
  return (
    <div className="gallery">
      <ul className="gallery-strip" tabIndex={images.length > 1 ? 0 : -1} aria-label="Pictures">
        {images.map(({ url, alt }, index) => (
          <li key={url} id={`picture-${index + 1}`}>
            <img
              src={pictureUrl(url)}
              alt={alt === '' ? title : alt}
              width="640"
              height="640"
              loading={index === 0 ? 'eager' : 'lazy'}
              fetchPriority={index === 0 ? 'high' : 'auto'}
            />
          </li>
        ))}
      </ul>
      {images.length > 1 && (
        <ul className="gallery-thumbs" aria-label="Choose a picture">
          {images.map(({ url }, index) => (
            <li key={url}>
              <a href={`#picture-${index + 1}`} aria-label={`Picture ${index + 1}`}>
                <img src={pictureUrl(url)} alt="" width="80" height="80" loading="lazy" />
              </a>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function linkedData(product: Product, chosen: VariantFacts | undefined): object {
  const { title, vendor, images, variants } = product;
  const isInStock = variants.some(({ available }) => available > 0);
  return {
    '@context': 'https://schema.org',
    '@type': 'Product',
    name: title,
    brand: { '@type': 'Brand', name: vendor },
    image: images.map(({ url }) => url),
    ...(chosen === undefined
      ? {}
      : {
          offers: {
            '@type': 'Offer',
            sku: chosen.sku,
            price: (chosen.price.amount / 100).toFixed(2),
            priceCurrency: chosen.price.currency,
            availability: `https://schema.org/${isInStock ? 'InStock' : 'SoldOut'}`,
          },
        }),
  };
}
