import { useEffect, useState } from 'react';
import { Icon } from '../../ui/icon.tsx';
import { Notice } from '../../ui/notice.tsx';
import { Price } from '../../ui/price.tsx';
import { useIsAlive } from '../../ui/use-is-alive.ts';
import { askShop } from '../buying/ask-shop.ts';
import { addToCart } from '../buying/cart.ts';
import {
  clampQuantity,
  type OptionFacts,
  realOptions,
  stockLevel,
  stockText,
  type VariantFacts,
  variantAfterChoice,
} from '../choose-variant.ts';
import { QuantityField } from './quantity-field.tsx';

interface BuyBoxProps {
  readonly handle: string;
  readonly options: readonly OptionFacts[];
  readonly variants: readonly VariantFacts[];
  readonly startSku: string;
}

function variantAddress(handle: string, sku: string): string {
  return `/products/${encodeURIComponent(handle)}?variant=${encodeURIComponent(sku)}`;
}

type Adding = 'idle' | 'adding' | 'added' | 'failed';

/** Price, stock, options and the two ways to buy. Without script: links and a GET form. */
export function BuyBox({ handle, options, variants: first, startSku }: BuyBoxProps) {
  const variants = useFreshVariants(handle, first);
  const [sku, setSku] = useState(startSku);
  const [quantity, setQuantity] = useState(1);
  const [adding, setAdding] = useState<Adding>('idle');
  const variant = variants.find((each) => each.sku === sku) ?? variants[0];
  if (variant === undefined) return null;
  const isSoldOut = variant.available <= 0;

  const choose = (name: string, value: string) => {
    const chosen = variantAfterChoice(variants, variant, name, value);
    if (chosen === undefined) return;
    setSku(chosen.sku);
    setQuantity((wanted) => clampQuantity(wanted, chosen.available));
    setAdding('idle');
    history.replaceState(null, '', variantAddress(handle, chosen.sku));
  };
  const add = async () => {
    setAdding('adding');
    const outcome = await addToCart(variant.sku, quantity);
    setAdding(outcome.kind === 'cart' ? 'added' : 'failed');
  };

  return (
    <form className="buy-box" action="/checkout" method="get">
      <input type="hidden" name="product" value={handle} />
      <input type="hidden" name="sku" value={variant.sku} />
      <p className="buy-box-price">
        <Price price={variant.price} compareAt={variant.compareAtPrice} />
        <span className="stock" data-level={stockLevel(variant.available)} aria-live="polite">
          {stockText(variant.available)}
        </span>
      </p>
      {realOptions(options).map((option) => (
        <OptionChoice
          key={option.name}
          handle={handle}
          option={option}
          variants={variants}
          current={variant}
          onChoose={choose}
        />
      ))}
      <BuyActions
        available={variant.available}
        quantity={quantity}
        isAdding={adding === 'adding'}
        onQuantity={setQuantity}
        onAdd={add}
      />
      <AddingNotice adding={adding} />
      {isSoldOut && <GoneNotice hasOthers={variants.some(({ available }) => available > 0)} />}
    </form>
  );
}

interface BuyActionsProps {
  readonly available: number;
  readonly quantity: number;
  readonly isAdding: boolean;
  readonly onQuantity: (quantity: number) => void;
  readonly onAdd: () => void;
}

function BuyActions({ available, quantity, isAdding, onQuantity, onAdd }: BuyActionsProps) {
  const isAlive = useIsAlive();
  const isSoldOut = available <= 0;
  return (
    <div className="buy-box-actions">
      {!isSoldOut && (
        <QuantityField
          id="buy-quantity"
          label="How many"
          quantity={quantity}
          available={available}
          onChange={onQuantity}
        />
      )}
      {!isSoldOut && (
        <button
          type="button"
          className="button button-secondary button-large"
          disabled={!isAlive || isAdding}
          data-waiting={isAlive ? undefined : ''}
          onClick={onAdd}
        >
          <Icon name="bag" /> {isAdding ? 'Adding…' : 'Add to cart'}
        </button>
      )}
      <button
        type="submit"
        className="button button-primary button-large buy-now"
        disabled={isSoldOut}
      >
        {isSoldOut ? 'Sold out' : 'Buy now'}
      </button>
    </div>
  );
}

function GoneNotice({ hasOthers }: { readonly hasOthers: boolean }) {
  return (
    <Notice tone="calm" title="This one is gone for now">
      {hasOthers ? (
        <p>Another kind is still here: choose it above.</p>
      ) : (
        <p>
          We only sell what is on the shelf, so there is no back-order.{' '}
          <a href="/products">Have a look at the other toys</a>.
        </p>
      )}
    </Notice>
  );
}

function AddingNotice({ adding }: { readonly adding: Adding }) {
  if (adding === 'added') {
    return (
      <Notice tone="good" title="In your cart">
        <p>
          <a href="/cart">See the cart</a> or <a href="/checkout">go to the checkout</a>.
        </p>
      </Notice>
    );
  }
  if (adding !== 'failed') return null;
  return (
    <Notice tone="bad" title="The cart cannot be reached">
      <p>Please try again in a moment. “Buy now” works without a cart.</p>
    </Notice>
  );
}

interface OptionChoiceProps {
  readonly handle: string;
  readonly option: OptionFacts;
  readonly variants: readonly VariantFacts[];
  readonly current: VariantFacts;
  readonly onChoose: (name: string, value: string) => void;
}

/** Each value is a link to the page with that variant; with script it changes in place. */
function OptionChoice({ handle, option, variants, current, onChoose }: OptionChoiceProps) {
  const { name, values } = option;
  return (
    <fieldset className="option">
      <legend>
        {name}: <strong>{current.options[name]}</strong>
      </legend>
      <ul className="option-values">
        {values.map((value) => {
          const target = variantAfterChoice(variants, current, name, value);
          if (target === undefined) return null;
          return (
            <li key={value}>
              <a
                className="option-value"
                href={variantAddress(handle, target.sku)}
                aria-current={current.options[name] === value ? 'true' : undefined}
                data-sold-out={target.available <= 0 ? '' : undefined}
                onClick={(event) => {
                  event.preventDefault();
                  onChoose(name, value);
                }}
              >
                {value}
                {target.available <= 0 && <span className="visually-hidden">, sold out</span>}
              </a>
            </li>
          );
        })}
      </ul>
    </fieldset>
  );
}

/** Asks again when the shopper comes back to this tab: stock may have gone meanwhile. */
function useFreshVariants(handle: string, first: readonly VariantFacts[]) {
  const [variants, setVariants] = useState(first);
  useEffect(() => {
    const refresh = async () => {
      if (document.visibilityState !== 'visible') return;
      const answer = await askShop(`/api/products/${encodeURIComponent(handle)}`);
      if (answer.kind !== 'ok') return;
      setVariants((answer.body as { variants: readonly VariantFacts[] }).variants);
    };
    document.addEventListener('visibilitychange', refresh);
    return () => document.removeEventListener('visibilitychange', refresh);
  }, [handle]);
  return variants;
}
