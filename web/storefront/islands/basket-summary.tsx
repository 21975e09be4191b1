import type { ReactNode } from 'react';
import { Notice } from '../../ui/notice.tsx';
import { pictureUrl } from '../../ui/picture-url.ts';
import { moneyText } from '../../ui/price.tsx';
import { ReloadButton } from '../../ui/reload-button.tsx';
import type { BasketOutcome } from '../buying/basket.ts';
import { stockText } from '../choose-variant.ts';
import { lineName } from '../line-name.ts';

interface BasketSummaryProps {
  readonly outcome: BasketOutcome | { readonly kind: 'loading' };
  /** The button. */
  readonly children: ReactNode;
}

export function BasketSummary({ outcome, children }: BasketSummaryProps) {
  return (
    <aside className="summary" aria-labelledby="summary-title">
      <h2 id="summary-title">Your order</h2>
      {outcome.kind === 'loading' && (
        <div aria-hidden="true">
          <span className="skeleton skeleton-line" />
          <span className="skeleton skeleton-line" />
        </div>
      )}
      {outcome.kind === 'failed' && (
        <Notice tone="bad" title="We cannot read your order right now">
          <p>
            What you chose is safe. <ReloadButton>Try again</ReloadButton> in a moment.
          </p>
        </Notice>
      )}
      {outcome.kind === 'basket' && (
        <>
          <ul className="summary-lines">
            {outcome.basket.lines.map((line) => (
              <li key={line.sku}>
                {line.image === null ? (
                  <span className="no-picture" />
                ) : (
                  <img src={pictureUrl(line.image.url)} alt="" width="56" height="56" />
                )}
                <span className="summary-line-name">
                  {lineName(line)}
                  <span className="summary-line-count"> × {line.quantity}</span>
                  {line.available !== null && line.available < line.quantity && (
                    <span className="field-error summary-line-stock">
                      {stockText(line.available)}
                    </span>
                  )}
                </span>
                <span>{moneyText(line.lineTotal)}</span>
              </li>
            ))}
          </ul>
          <dl className="summary-sums">
            <div>
              <dt>Delivery</dt>
              <dd>Free</dd>
            </div>
            <div className="summary-total">
              <dt>Total</dt>
              <dd>{moneyText(outcome.basket.total)}</dd>
            </div>
          </dl>
        </>
      )}
      {children}
      <p className="small">
        You are charged only when the order is placed. If the last one goes to somebody else, you
        pay nothing.
      </p>
    </aside>
  );
}
