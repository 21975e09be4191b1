/** Entry of the bundle that the storefront service runs: an address in, a page out. */
import type { PageAssets, PageRequest, RenderedPage } from '../../src/api/storefront-page.ts';
import { renderDocument } from './document.tsx';
import type { PageAddress, PageView } from './page-view.ts';
import { collectionsPage } from './pages/collections.tsx';
import { missingPage } from './pages/error.tsx';
import { homePage } from './pages/home.tsx';
import { productPage } from './pages/product.tsx';
import { allProductsPage, collectionPage, searchPage } from './pages/product-list.tsx';
import {
  accountPage,
  cartPage,
  checkoutPage,
  orderPage,
  orderSearchPage,
  signInPage,
  signUpPage,
  waitingPage,
} from './pages/shell-pages.tsx';

type Open = (request: PageRequest, address: PageAddress) => PageView | Promise<PageView>;

const withoutRequest =
  (open: (address: PageAddress) => PageView): Open =>
  (_request, address) =>
    open(address);

const pages: readonly (readonly [RegExp, Open])[] = [
  [/^\/$/, homePage],
  [/^\/products$/, allProductsPage],
  [/^\/products\/([^/]+)$/, productPage],
  [/^\/collections$/, collectionsPage],
  [/^\/collections\/([^/]+)$/, collectionPage],
  [/^\/search$/, searchPage],
  [/^\/cart$/, withoutRequest(cartPage)],
  [/^\/checkout$/, withoutRequest(checkoutPage)],
  [/^\/checkouts\/([0-9a-f-]{36})$/, withoutRequest(waitingPage)],
  [/^\/orders$/, withoutRequest(orderSearchPage)],
  [/^\/orders\/([0-9]{1,15})$/, withoutRequest(orderPage)],
  [/^\/account$/, withoutRequest(accountPage)],
  [/^\/sign-in$/, withoutRequest(signInPage)],
  [/^\/sign-up$/, withoutRequest(signUpPage)],
];

export function createRenderer(assets: PageAssets) {
  return async (request: PageRequest): Promise<RenderedPage> => {
    const location = redirectOf(request);
    if (location !== null) return { kind: 'redirect', location };
    const view = await viewOf(request);
    const html = renderDocument({ view, assets, path: request.path });
    return { kind: 'page', status: view.status, html, isPrivate: view.isPrivate === true };
  };
}

async function viewOf(request: PageRequest): Promise<PageView> {
  const { path, query } = request;
  for (const [pattern, open] of pages) {
    const match = pattern.exec(path);
    if (match === null) continue;
    const parameter = decoded(match[1] ?? '');
    if (parameter === null) break;
    return open(request, { path, parameter, query });
  }
  return missingPage();
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null; // a percent sign without its two digits
  }
}

/** Ordinary segments only: `//host/` or `/\\host/` must not become a way to another site. */
const trailingSlash = /^(?:\/[\w.~%-]+)+\/+$/;

/** One address per page: no slash at the end, and the look-up form leads to the order itself. */
function redirectOf({ path, query }: PageRequest): string | null {
  if (trailingSlash.test(path)) {
    const target = path.replace(/\/+$/, '');
    return query.size === 0 ? target : `${target}?${query}`;
  }
  const number = query.get('number')?.trim() ?? '';
  if (path !== '/orders' || !/^[0-9]{1,15}$/.test(number)) return null;
  const token = query.get('token')?.trim() ?? '';
  return `/orders/${number}${token === '' ? '' : `?token=${encodeURIComponent(token)}`}`;
}
