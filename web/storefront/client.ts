/** Entry of every page in the browser: the cart's count, then the islands that the page has. */
import './styles/storefront.css';
import { mountIslands } from '../ui/mount-islands.ts';
import { cartChanged, readCartTicket } from './buying/session-memory.ts';

const islands = {
  'buy-box': async () => (await import('./islands/buy-box.tsx')).BuyBox,
  'cart-view': async () => (await import('./islands/cart-view.tsx')).CartView,
  'checkout-view': async () => (await import('./islands/checkout-view.tsx')).CheckoutView,
  'waiting-view': async () => (await import('./islands/waiting-view.tsx')).WaitingView,
  'order-view': async () => (await import('./islands/order-view.tsx')).OrderView,
  'known-orders': async () => (await import('./islands/known-orders.tsx')).KnownOrders,
  'sign-in-form': async () => (await import('./islands/sign-in-form.tsx')).SignInForm,
  'account-view': async () => (await import('./islands/account-view.tsx')).AccountView,
};

function showCartCount(): void {
  const count = readCartTicket()?.count ?? 0;
  for (const place of document.querySelectorAll<HTMLElement>('[data-cart-count]')) {
    place.hidden = count === 0;
    place.textContent = String(count);
    place.setAttribute('aria-label', count === 1 ? '1 piece' : `${count} pieces`);
  }
}

showCartCount();
window.addEventListener(cartChanged, showCartCount);
window.addEventListener('storage', showCartCount); // another tab filled the cart
mountIslands(islands);
