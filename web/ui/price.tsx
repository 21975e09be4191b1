import { formatMoney, type Money } from '../../src/shop/money.ts';

const textsMax = 4_096;
const texts = new Map<string, string>();

/** Formatted once per amount: making an `Intl.NumberFormat` costs more than a product card. */
export function moneyText(value: Money): string {
  const key = `${value.amount} ${value.currency}`;
  const known = texts.get(key);
  if (known !== undefined) return known;
  if (texts.size >= textsMax) texts.clear();
  const text = formatMoney(value);
  texts.set(key, text);
  return text;
}

interface PriceProps {
  readonly price: Money;
  /** The higher price of before, shown struck through. */
  readonly compareAt?: Money | null;
  /** There are dearer variants. */
  readonly isFrom?: boolean;
}

export function Price({ price, compareAt, isFrom = false }: PriceProps) {
  const isReduced = compareAt != null && compareAt.amount > price.amount;
  return (
    <span className="price">
      {isFrom && <span className="price-from">from </span>}
      {isReduced ? (
        <>
          <ins className="price-now price-reduced">
            <span className="visually-hidden">Now </span>
            {moneyText(price)}
          </ins>{' '}
          <del className="price-before">
            <span className="visually-hidden">Before </span>
            {moneyText(compareAt)}
          </del>
        </>
      ) : (
        <span className="price-now">{moneyText(price)}</span>
      )}
    </span>
  );
}
