/**
 * Pages whose content belongs to one shopper. The server sends the frame with a skeleton, the same
 * for everyone; the browser fills it from the API.
 */
import type { ComponentType } from 'react';
import { Island } from '../../ui/island.tsx';
import { AccountView } from '../islands/account-view.tsx';
import { CartView } from '../islands/cart-view.tsx';
import { CheckoutView } from '../islands/checkout-view.tsx';
import { KnownOrders } from '../islands/known-orders.tsx';
import { OrderView } from '../islands/order-view.tsx';
import { SignInForm } from '../islands/sign-in-form.tsx';
import { WaitingView } from '../islands/waiting-view.tsx';
import type { PageAddress, PageView } from '../page-view.ts';

interface ShellProps<Props extends object> {
  readonly title: string;
  readonly heading?: string;
  readonly width?: 'narrow';
  readonly island: string;
  readonly of: ComponentType<Props>;
  readonly props: Props;
  readonly isPrivate?: boolean;
}

function shellPage<Props extends object>(shell: ShellProps<Props>): PageView {
  const { title, heading, width, island, of, props, isPrivate = false } = shell;
  return {
    status: 200,
    title: `${title} | Doorbuster`,
    islands: [island],
    isPrivate,
    content: (
      <div className="page-width section" data-width={width}>
        {heading !== undefined && <h1>{heading}</h1>}
        <noscript>
          <p className="notice">
            This page needs JavaScript. Looking around the shop works without it.
          </p>
        </noscript>
        <Island name={island} of={of} props={props} />
      </div>
    ),
  };
}

const noProps = {};

export const cartPage = () =>
  shellPage({
    title: 'Cart',
    heading: 'Your cart',
    island: 'cart-view',
    of: CartView,
    props: noProps,
  });

export const checkoutPage = () =>
  shellPage({
    title: 'Checkout',
    heading: 'Checkout',
    island: 'checkout-view',
    of: CheckoutView,
    props: noProps,
  });

export const waitingPage = ({ parameter }: PageAddress) =>
  shellPage({
    title: 'In line',
    width: 'narrow',
    island: 'waiting-view',
    of: WaitingView,
    props: { checkoutId: parameter },
    isPrivate: true,
  });

export const orderPage = ({ parameter }: PageAddress) =>
  shellPage({
    title: `Order ${parameter}`,
    width: 'narrow',
    island: 'order-view',
    of: OrderView,
    props: { number: parameter },
    isPrivate: true,
  });

export const accountPage = () =>
  shellPage({
    title: 'My account',
    width: 'narrow',
    island: 'account-view',
    of: AccountView,
    props: noProps,
    isPrivate: true,
  });

export function signInPage(): PageView {
  return signPage(false, 'Sign in', <a href="/sign-up">New here? Open an account</a>);
}

export function signUpPage(): PageView {
  return signPage(true, 'Open an account', <a href="/sign-in">Already have one? Sign in</a>);
}

function signPage(isNew: boolean, title: string, otherWay: React.ReactNode): PageView {
  return {
    status: 200,
    title: `${title} | Doorbuster`,
    islands: ['sign-in-form'],
    content: (
      <div className="page-width section" data-width="form">
        <h1>{title}</h1>
        <p className="lead">An account keeps your orders together. Buying works without one.</p>
        <Island name="sign-in-form" of={SignInForm} props={{ isNew }} />
        <p className="other-way">{otherWay}</p>
      </div>
    ),
  };
}

export function orderSearchPage(): PageView {
  return {
    status: 200,
    title: 'Find my order | Doorbuster',
    islands: ['known-orders'],
    content: (
      <div className="page-width section" data-width="form">
        <h1>Find my order</h1>
        <p className="lead">Number and key are on the confirmation that followed your purchase.</p>
        <form className="panel" action="/orders" method="get">
          <div className="field">
            <label htmlFor="find-number">Order number</label>
            <input
              id="find-number"
              name="number"
              inputMode="numeric"
              pattern="[0-9]{1,15}"
              title="The order's number: digits only"
              maxLength={15}
              required
            />
          </div>
          <div className="field">
            <label htmlFor="find-token">
              Key<span className="field-optional"> (not needed when you are signed in)</span>
            </label>
            <input id="find-token" name="token" autoComplete="off" maxLength={200} />
          </div>
          <button type="submit" className="button button-primary button-large button-wide">
            Show my order
          </button>
        </form>
        <Island name="known-orders" of={KnownOrders} props={noProps} />
      </div>
    ),
  };
}
