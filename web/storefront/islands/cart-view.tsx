import { useEffect, useState } from 'react';
import type { Cart } from '../../../src/api/cart.ts';
import { Icon } from '../../ui/icon.tsx';
import { Notice } from '../../ui/notice.tsx';
import { pictureUrl } from '../../ui/picture-url.ts';
import { moneyText } from '../../ui/price.tsx';
import { ReloadButton } from '../../ui/reload-button.tsx';
import { Sticker } from '../../ui/sticker.tsx';
import { type CartOutcome, loadCart, setQuantity } from '../buying/cart.ts';
import { stockText } from '../choose-variant.ts';
import { lineName } from '../line-name.ts';
import { QuantityField } from './quantity-field.tsx';

type View = CartOutcome | { readonly kind: 'loading' };

export function CartView() {
  const [view, setView] = useState<View>({ kind: 'loading' });
  const [isBusy, setBusy] = useState(false);
  const [hasFailed, setFailed] = useState(false);
  useEffect(() => {
    loadCart().then(setView);
  }, []);

  const change = async (id: string, sku: string, quantity: number) => {
    setBusy(true);
    const outcome = await setQuantity(id, sku, quantity);
    setBusy(false);
    setFailed(outcome.kind === 'failed');
    if (outcome.kind !== 'failed') setView(outcome);
  };

  if (view.kind === 'loading') return <CartSkeleton />;
  if (view.kind === 'failed') return <CartOutOfReach />;
  if (view.kind === 'none' || view.cart.lines.length === 0) return <EmptyCart />;
  const { cart } = view;
  return (
    <div className="cart" aria-busy={isBusy}>
      <div>
        {hasFailed && (
          <Notice tone="bad" title="That did not reach us">
            <p>The cart below is as it was. Please try again in a moment.</p>
          </Notice>
        )}
        <CartNotices cart={cart} />
        <ul className="cart-lines">
          {cart.lines.map((line) => (
            <CartLineRow
              key={line.sku}
              line={line}
              isBusy={isBusy}
              onChange={(quantity) => change(cart.id, line.sku, quantity)}
            />
          ))}
        </ul>
      </div>
      <CartSummary cart={cart} />
    </div>
  );
}

type Line = Cart['lines'][number];

interface CartLineRowProps {
  readonly line: Line;
  readonly isBusy: boolean;
  readonly onChange: (quantity: number) => void;
}

function CartLineRow({ line, isBusy, onChange }: CartLineRowProps) {
  const { sku, quantity, productHandle, image, available, unitPrice, lineTotal } = line;
  const isShort = available !== null && available < quantity;
  const href = `/products/${encodeURIComponent(productHandle)}?variant=${encodeURIComponent(sku)}`;
  return (
    <li className="cart-line">
      <div className="cart-line-picture">
        {image === null ? (
          <span className="no-picture" />
        ) : (
          <img src={pictureUrl(image.url)} alt="" width="120" height="120" />
        )}
      </div>
      <div className="cart-line-text">
        <h2>
          <a href={href}>{lineName(line)}</a>
        </h2>
        <p className="cart-line-unit">
          {moneyText(unitPrice)} each
          {line.priceChanged && <span className="badge badge-inline">New price</span>}
        </p>
        {isShort && (
          <p className="field-error" role="status">
            {available === 0 ? 'Sold out. Take it out to go on.' : `${stockText(available)} only.`}
          </p>
        )}
      </div>
      <div className="cart-line-quantity">
        <QuantityField
          id={`quantity-${sku}`}
          label={`How many: ${lineName(line)}`}
          quantity={quantity}
          available={available ?? quantity + 1}
          isDisabled={isBusy}
          onChange={onChange}
        />
        <button
          type="button"
          className="icon-button"
          aria-label={`Remove ${lineName(line)}`}
          disabled={isBusy}
          onClick={() => onChange(0)}
        >
          <Icon name="bin" />
        </button>
      </div>
      <p className="cart-line-total">{moneyText(lineTotal)}</p>
    </li>
  );
}

function CartNotices({ cart }: { readonly cart: Cart }) {
  if (cart.lines.some((line) => line.stale)) {
    return (
      <Notice tone="wait" title="Prices as we last knew them">
        <p>The catalogue is resting. You can still order: the price is checked when you buy.</p>
      </Notice>
    );
  }
  if (!cart.lines.some((line) => line.priceChanged)) return null;
  return (
    <Notice tone="calm" title="A price has changed since you put it in">
      <p>The new price is marked. You pay what you see here.</p>
    </Notice>
  );
}

function CartSummary({ cart }: { readonly cart: Cart }) {
  const isShort = cart.lines.some(
    ({ available, quantity }) => available !== null && available < quantity,
  );
  return (
    <aside className="summary" aria-labelledby="summary-title">
      <h2 id="summary-title">Summary</h2>
      <dl className="summary-sums">
        <div>
          <dt>Subtotal</dt>
          <dd>{moneyText(cart.subtotal)}</dd>
        </div>
        <div>
          <dt>Delivery</dt>
          <dd>Free</dd>
        </div>
        <div className="summary-total">
          <dt>Total</dt>
          <dd>{moneyText(cart.subtotal)}</dd>
        </div>
      </dl>
      {isShort ? (
        <Notice tone="bad" title="Some of it is no longer there">
          <p>Change the marked toys, then go on.</p>
        </Notice>
      ) : (
        <a className="button button-primary button-large button-wide" href="/checkout">
          Check out <Icon name="arrow" />
        </a>
      )}
      <p className="small">
        Toys are yours once the order is placed, not while they are in a cart.
      </p>
    </aside>
  );
}

function EmptyCart() {
  return (
    <div className="empty">
      <Sticker name="shopping-bags" size={140} />
      <h2>Nothing in here yet</h2>
      <p className="lead">There is a dinosaur out there with your name on it.</p>
      <a className="button button-primary button-large" href="/products">
        See all toys <Icon name="arrow" />
      </a>
    </div>
  );
}

function CartOutOfReach() {
  return (
    <Notice tone="bad" title="The cart cannot be reached right now">
      <p>
        What you put in is safe. <ReloadButton>Try again</ReloadButton>, or buy a toy directly from
        its page.
      </p>
    </Notice>
  );
}

function CartSkeleton() {
  return (
    <div className="cart" aria-busy="true">
      <p className="visually-hidden" role="status">
        Loading your cart
      </p>
      <ul className="cart-lines" aria-hidden="true">
        {[0, 1].map((index) => (
          <li className="cart-line" key={index}>
            <span className="skeleton skeleton-picture" />
            <span className="skeleton skeleton-line" />
          </li>
        ))}
      </ul>
      <div className="summary" aria-hidden="true">
        <span className="skeleton skeleton-line" />
        <span className="skeleton skeleton-line" />
      </div>
    </div>
  );
}
