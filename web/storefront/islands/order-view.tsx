import { useEffect, useState } from 'react';
import type { Order } from '../../../src/api/order.ts';
import { Icon } from '../../ui/icon.tsx';
import { Notice } from '../../ui/notice.tsx';
import { moneyText } from '../../ui/price.tsx';
import { ReloadButton } from '../../ui/reload-button.tsx';
import { Sticker } from '../../ui/sticker.tsx';
import { askShop } from '../buying/ask-shop.ts';
import { countries } from '../buying/checkout-form.ts';
import { readTickets } from '../buying/session-memory.ts';

type View =
  | { readonly kind: 'loading' }
  | { readonly kind: 'order'; readonly order: Order; readonly isFresh: boolean }
  | { readonly kind: 'missing' }
  | { readonly kind: 'failed' };

/** The token comes with the address; on the device that bought it is also remembered. */
async function readOrder(number: string): Promise<View> {
  const given = new URLSearchParams(location.search).get('token');
  const known = readTickets().find((ticket) => ticket.number === number)?.token;
  const token = given ?? known;
  const query = token === undefined ? '' : `?token=${encodeURIComponent(token)}`;
  const answer = await askShop(`/api/orders/${encodeURIComponent(number)}${query}`);
  if (answer.kind === 'ok') {
    const isFresh = location.hash === '#placed';
    return { kind: 'order', order: answer.body as Order, isFresh };
  }
  const isMissing = answer.kind === 'problem' && answer.status < 500 && answer.status !== 429;
  return { kind: isMissing ? 'missing' : 'failed' };
}

export function OrderView({ number }: { readonly number: string }) {
  const [view, setView] = useState<View>({ kind: 'loading' });
  useEffect(() => {
    readOrder(number).then(setView);
  }, [number]);

  if (view.kind === 'loading') {
    return (
      <div className="order" aria-busy="true">
        <p className="visually-hidden" role="status">
          Loading your order
        </p>
        <span className="skeleton skeleton-title" />
        <span className="skeleton skeleton-block" />
      </div>
    );
  }
  if (view.kind === 'missing') return <OrderMissing number={number} />;
  if (view.kind === 'failed') {
    return (
      <Notice tone="bad" title="Your order cannot be shown right now">
        <p>
          It is safe. <ReloadButton>Try again</ReloadButton> in a moment.
        </p>
      </Notice>
    );
  }
  return <OrderSheet order={view.order} isFresh={view.isFresh} />;
}

const stateWords: Readonly<Record<Order['state'], string>> = {
  placed: 'Placed. We are wrapping it.',
  fulfilled: 'On its way to you.',
  cancelled: 'Cancelled. Nothing is charged.',
  refunded: 'Refunded.',
};

function OrderSheet({ order, isFresh }: { readonly order: Order; readonly isFresh: boolean }) {
  const { number, state, lines, total, placedAt, email, shippingAddress } = order;
  const date = new Intl.DateTimeFormat('en', { dateStyle: 'long', timeStyle: 'short' });
  return (
    <article className="order">
      <header className="order-head" data-fresh={isFresh ? '' : undefined}>
        {isFresh && <Sticker name="party-popper" size={96} />}
        <div>
          <p className="hero-kicker">{isFresh ? 'It is yours!' : stateWords[state]}</p>
          <h1>
            Order <span className="order-number">{number}</span>
          </h1>
          <p>
            Placed on <time dateTime={placedAt}>{date.format(new Date(placedAt))}</time>
          </p>
        </div>
      </header>
      {isFresh && (
        <Notice tone="good" title="Thank you. Your order is placed and paid.">
          <p>Keep the address of this page: it is the key to your order.</p>
        </Notice>
      )}
      <OrderLines lines={lines} total={total} />
      <OrderAddress email={email} address={shippingAddress} />
      <p className="actions">
        <a className="button button-secondary" href="/products">
          Keep looking around <Icon name="arrow" />
        </a>
      </p>
    </article>
  );
}

type LinesProps = Pick<Order, 'lines' | 'total'>;

function OrderLines({ lines, total }: LinesProps) {
  return (
    <div className="panel">
      <table className="order-lines">
        <caption className="visually-hidden">What you bought</caption>
        <thead>
          <tr>
            <th scope="col">Toy</th>
            <th scope="col">Pieces</th>
            <th scope="col">Price</th>
          </tr>
        </thead>
        <tbody>
          {lines.map(({ sku, title, quantity, unitPrice }) => (
            <tr key={sku}>
              <th scope="row">
                {title} <span className="order-sku">{sku}</span>
              </th>
              <td>{quantity}</td>
              <td>
                {moneyText({
                  amount: unitPrice.amount * quantity,
                  currency: unitPrice.currency,
                })}
              </td>
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row" colSpan={2}>
              Total
            </th>
            <td>{moneyText(total)}</td>
          </tr>
        </tfoot>
      </table>
    </div>
  );
}

interface AddressProps {
  readonly email: Order['email'];
  readonly address: Order['shippingAddress'];
}

/** Nothing where the customer had the personal data erased. */
function OrderAddress({ email, address }: AddressProps) {
  if (address === null) return null;
  return (
    <div className="panel order-address">
      <h2>Goes to</h2>
      <address>
        {[
          address.name,
          address.line1,
          address.line2,
          `${address.postalCode ?? ''} ${address.city}`.trim(),
          address.region,
          countryName(address.country),
        ]
          .filter((line) => line !== undefined && line !== '')
          .map((line) => (
            <span key={line}>{line}</span>
          ))}
      </address>
      {email !== null && <p className="small">Receipt to {email}</p>}
    </div>
  );
}

/** The code itself for a country that the checkout does not list. */
function countryName(code: string): string {
  return countries.find(([each]) => each === code)?.[1] ?? code;
}

function OrderMissing({ number }: { readonly number: string }) {
  return (
    <div className="empty">
      <Sticker name="detective" size={140} />
      <h1>We cannot open order {number}</h1>
      <p className="lead">
        An order opens with its key from the confirmation, or when you are signed in to the account
        that bought it.
      </p>
      <p className="actions">
        <a className="button button-primary" href="/orders">
          Find my order
        </a>
        <a className="button button-quiet" href="/sign-in">
          Sign in
        </a>
      </p>
    </div>
  );
}
