import { useEffect, useState } from 'react';
import { Icon } from '../../ui/icon.tsx';
import { Sticker } from '../../ui/sticker.tsx';
import { type BasketOutcome, readBasket } from '../buying/basket.ts';
import { draftErrors, emptyDraft, purchaseRequest } from '../buying/checkout-form.ts';
import { quotedTotal } from '../buying/refusal-words.ts';
import { type CheckoutDraft, keepDraft, readDraft } from '../buying/session-memory.ts';
import { usePurchase } from '../buying/use-purchase.ts';
import { BasketSummary } from './basket-summary.tsx';
import { CheckoutFields } from './checkout-fields.tsx';
import { PurchaseNotice } from './purchase-notice.tsx';

export function CheckoutView() {
  const [draft, setDraft] = useState(emptyDraft);
  const [showsErrors, setShowsErrors] = useState(false);
  const purchase = usePurchase();
  const { phase } = purchase;
  const basket = useBasket(phase.kind === 'filling' && phase.refused !== undefined);
  useEffect(() => setDraft({ ...emptyDraft, ...readDraft() }), []);

  const errors = draftErrors(draft);
  const submit = () => {
    if (basket.kind !== 'basket') return;
    setShowsErrors(true);
    const [firstWrong] = Object.keys(errors);
    if (firstWrong !== undefined) {
      document.getElementById(`checkout-${firstWrong}`)?.focus();
      return;
    }
    keepDraft(draft);
    // the price that the shopper saw last: after a refusal for the price, the shop's quote
    const quoted = phase.kind === 'filling' && phase.refused?.answer.problem;
    const total = quoted ? quotedTotal(quoted) : null;
    purchase.start(purchaseRequest(draft, basket.basket, total ?? basket.basket.total));
  };
  const change = (field: keyof CheckoutDraft, value: string) =>
    setDraft((before) => ({ ...before, [field]: value }));

  const isLocked = phase.kind !== 'filling';
  if (basket.kind === 'empty' && !isLocked) {
    return (
      <>
        <PurchaseNotice {...purchase} />
        <NothingToBuy />
      </>
    );
  }
  return (
    <form
      className="checkout"
      method="post"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <div>
        <PurchaseNotice {...purchase} />
        <CheckoutFields
          draft={draft}
          errors={showsErrors ? errors : {}}
          isLocked={isLocked}
          onChange={change}
        />
      </div>
      <BasketSummary outcome={basket}>
        <button
          type="submit"
          className="button button-primary button-large button-wide"
          disabled={isLocked || basket.kind !== 'basket'}
        >
          {phase.kind === 'sending' ? 'Placing your order…' : 'Place the order'}
        </button>
      </BasketSummary>
    </form>
  );
}

type BasketView = BasketOutcome | { readonly kind: 'loading' };

/** What is bought; read again after a refusal, since stock or prices were the likely reason. */
function useBasket(isRefused: boolean): BasketView {
  const [view, setView] = useState<BasketView>({ kind: 'loading' });
  // biome-ignore lint/correctness/useExhaustiveDependencies: a refusal is the reason to ask again
  useEffect(() => {
    readBasket(new URLSearchParams(location.search)).then(setView);
  }, [isRefused]);
  return view;
}

function NothingToBuy() {
  return (
    <div className="empty">
      <Sticker name="shopping-bags" size={140} />
      <h2>There is nothing to check out</h2>
      <p className="lead">Put a toy into the cart, or press “Buy now” on its page.</p>
      <a className="button button-primary button-large" href="/products">
        See all toys <Icon name="arrow" />
      </a>
    </div>
  );
}
