import { renderToString } from 'react-dom/server';
import type { PageAssets } from '../../src/api/storefront-page.ts';
import { Icon } from '../ui/icon.tsx';
import { Logo } from '../ui/logo.tsx';
import type { PageView } from './page-view.ts';

interface DocumentProps {
  readonly view: PageView;
  readonly assets: PageAssets;
  readonly path: string;
}

/** The whole page as HTML. Nothing in it belongs to one shopper, so that any cache may keep it. */
export function renderDocument(props: DocumentProps): string {
  return `<!doctype html>${renderToString(<Document {...props} />)}`;
}

const descriptionDefault =
  'Toys worth queueing for. Never oversold, your place in line is kept, nothing is charged twice.';

function Document({ view, assets, path }: DocumentProps) {
  const modules = new Set((view.islands ?? []).flatMap((name) => assets.islands[name] ?? []));
  const linkedData = view.linkedData && JSON.stringify(view.linkedData).replaceAll('<', '\\u003c');
  return (
    <html lang="en">
      <head>
        <meta charSet="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>{view.title}</title>
        <meta name="description" content={view.description ?? descriptionDefault} />
        <meta name="color-scheme" content="light dark" />
        <meta name="theme-color" content="#ffc531" />
        {(view.isPrivate === true || view.status !== 200) && (
          <meta name="robots" content="noindex" />
        )}
        {assets.fonts.map((font) => (
          <link
            key={font}
            rel="preload"
            href={font}
            as="font"
            type="font/woff2"
            crossOrigin="anonymous"
          />
        ))}
        {assets.stylesheets.map((href) => (
          <link key={href} rel="stylesheet" href={href} />
        ))}
        <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
        {[...modules].map((href) => (
          <link key={href} rel="modulepreload" href={href} />
        ))}
        <script type="module" src={assets.script} />
        {linkedData !== undefined && (
          // biome-ignore lint/security/noDangerouslySetInnerHtml: JSON with every `<` escaped
          <script type="application/ld+json" dangerouslySetInnerHTML={{ __html: linkedData }} />
        )}
      </head>
      <body>
        <a className="skip-link" href="#content">
          Skip to content
        </a>
        <Header path={path} searchText={view.searchText ?? ''} />
        <main id="content">{view.content}</main>
        <Footer />
      </body>
    </html>
  );
}

const navigation = [
  ['/products', 'All toys'],
  ['/collections', 'Collections'],
  ['/orders', 'Find my order'],
] as const;

function Header({ path, searchText }: { readonly path: string; readonly searchText: string }) {
  const current = (href: string) => (path === href ? 'page' : undefined);
  return (
    <header className="site-header">
      <div className="page-width site-header-row">
        <a className="home-link" href="/" aria-label="Doorbuster, home">
          <Logo />
        </a>
        <search className="site-search">
          <form action="/search" method="get">
            <label className="visually-hidden" htmlFor="site-search">
              Search the shop
            </label>
            <input
              id="site-search"
              type="search"
              name="q"
              defaultValue={searchText}
              placeholder="Dinosaurs, kites, puzzles…"
              autoComplete="off"
              maxLength={255}
              enterKeyHint="search"
            />
            <button type="submit" className="search-button" aria-label="Search">
              <Icon name="search" />
            </button>
          </form>
        </search>
        <div className="site-tools">
          <a href="/account" aria-label="Account" aria-current={current('/account')}>
            <Icon name="person" />
            <span className="site-tool-word">Account</span>
          </a>
          <a href="/cart" className="cart-link" aria-current={current('/cart')}>
            <Icon name="bag" />
            <span className="site-tool-word">Cart</span>
            <span className="cart-count" data-cart-count="" hidden />
          </a>
        </div>
      </div>
      <nav className="site-nav page-width" aria-label="Shop">
        <ul>
          {navigation.map(([href, label]) => (
            <li key={href}>
              <a href={href} aria-current={current(href)}>
                {label}
              </a>
            </li>
          ))}
        </ul>
      </nav>
    </header>
  );
}

function Footer() {
  return (
    <footer className="site-footer">
      <div className="page-width site-footer-columns">
        <div>
          <Logo />
          <p className="footer-line">
            A toy shop that keeps its head when everyone comes through the door at once.
          </p>
        </div>
        <nav aria-label="More">
          <ul>
            <li>
              <a href="/products">All toys</a>
            </li>
            <li>
              <a href="/collections">Collections</a>
            </li>
            <li>
              <a href="/orders">Find my order</a>
            </li>
            <li>
              <a href="/account">My account</a>
            </li>
          </ul>
        </nav>
        <ul className="footer-promises">
          <li>
            <Icon name="check" /> Sold only what is really on the shelf
          </li>
          <li>
            <Icon name="clock" /> Your place in line is kept
          </li>
          <li>
            <Icon name="shield" /> Never charged twice
          </li>
        </ul>
      </div>
    </footer>
  );
}
