import type { ProductSummary } from '../../../src/api/product.ts';
import type { PageRequest } from '../../../src/api/storefront-page.ts';
import { Icon, type IconName } from '../../ui/icon.tsx';
import { pictureUrl } from '../../ui/picture-url.ts';
import type { PageView } from '../page-view.ts';
import { ProductGrid } from '../product-card.tsx';
import { readShelves, type Shelf, ShelfGrid } from '../shelves.tsx';
import { restingPage } from './error.tsx';

const featuredCount = 12;
const shelvesMax = 8;

export async function homePage(request: PageRequest): Promise<PageView> {
  const { read } = request;
  const [shelves, products] = await Promise.all([
    readShelves(read, shelvesMax),
    read(`/api/products?limit=${featuredCount}`),
  ]);
  if (shelves === null || products.kind !== 'found') return restingPage(request);
  const { items: featured } = products.body as { items: readonly ProductSummary[] };
  return {
    status: 200,
    title: 'Doorbuster: toys worth queueing for',
    content: <Home shelves={shelves} featured={featured} />,
  };
}

interface HomeProps {
  readonly shelves: readonly Shelf[];
  readonly featured: readonly ProductSummary[];
}

function Home({ shelves, featured }: HomeProps) {
  return (
    <>
      <Hero />
      <Promises />
      {shelves.length > 0 && (
        <section className="page-width section" aria-labelledby="collections-title">
          <div className="section-head">
            <h2 id="collections-title">Pick a shelf</h2>
            <a className="more-link" href="/collections">
              All collections <Icon name="arrow" />
            </a>
          </div>
          <ShelfGrid shelves={shelves} />
        </section>
      )}
      <section className="page-width section" aria-labelledby="featured-title">
        <div className="section-head">
          <h2 id="featured-title">Fresh through the door</h2>
          <a className="more-link" href="/products">
            All toys <Icon name="arrow" />
          </a>
        </div>
        {featured.length > 0 ? (
          <ProductGrid products={featured} label="Featured toys" />
        ) : (
          <p className="lead">The shelves are being filled. Come back in a minute.</p>
        )}
      </section>
    </>
  );
}

function Hero() {
  return (
    <section className="hero">
      <div className="page-width hero-inner">
        <div className="hero-text">
          <p className="hero-kicker">The door is open</p>
          <h1>
            Toys worth <br />
            queueing for.
          </h1>
          <p className="hero-lead">
            Bears, rockets and the odd dinosaur. When the crowd comes, the line stays fair: your
            place is kept, and what we sell you is really there.
          </p>
          <p className="hero-actions">
            <a className="button button-primary button-large" href="/products">
              Come on in <Icon name="arrow" />
            </a>
            <a className="button button-quiet button-large" href="/orders">
              Find my order
            </a>
          </p>
        </div>
        <div className="hero-scene">
          <img src={pictureUrl('/media/scene.svg')} alt="" width="720" height="640" />
        </div>
      </div>
    </section>
  );
}

const promises: readonly (readonly [IconName, string, string])[] = [
  ['parcel', 'Never oversold', 'Ten on the shelf means ten happy people. Not eleven.'],
  ['clock', 'A fair line', 'First come, first served, even if you reload the page.'],
  ['shield', 'Pay once', 'Press twice, lose the network: it is still one order.'],
];

function Promises() {
  return (
    <section className="page-width promises" aria-label="What we promise">
      <ul>
        {promises.map(([icon, title, text]) => (
          <li key={title}>
            <Icon name={icon} />
            <div>
              <h2>{title}</h2>
              <p>{text}</p>
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}
