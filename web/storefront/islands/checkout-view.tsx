import { useEffect, useState } from 'react';
import { Icon } from '../../ui/icon.tsx';
import { Notice } from '../../ui/notice.tsx';
import { Sticker } from '../../ui/sticker.tsx';
import { type BasketOutcome, readBasket } from '../buying/basket.ts';
import { draftErrors, emptyDraft, purchaseRequest } from '../buying/checkout-form.ts';
import {
  giveUpAttempt,
  newAttempt,
  orderAddress,
  sendAttempt,
  waitingAddress,
} from '../buying/purchase.ts';
import { type Outcome, type PurchaseAttempt, shouldResume } from '../buying/purchase-attempt.ts';
import { refusalOf } from '../buying/refusal-words.ts';
import { type CheckoutDraft, keepDraft, readAttempt, readDraft } from '../buying/session-memory.ts';
import { BasketSummary } from './basket-summary.tsx';
import { CheckoutFields } from './checkout-fields.tsx';

/**
 * filling -> sending -> (gone to the order or to the line)
 *               |-> filling, with the reason           the shop refused for good
 *               |-> crowded, counts down -> sending    not accepted: asks again with the same key
 *               '-> unanswered -> sending              unknown: only asking again is possible
 */
type Phase =
  | { readonly kind: 'filling'; readonly refused?: Extract<Outcome, { kind: 'refused' }> }
  | { readonly kind: 'sending' }
  | { readonly kind: 'crowded'; readonly attempt: PurchaseAttempt; readonly waitSeconds: number }
  | { readonly kind: 'unanswered'; readonly attempt: PurchaseAttempt };

export function CheckoutView() {
  const [draft, setDraft] = useState(emptyDraft);
  const [showsErrors, setShowsErrors] = useState(false);
  const [phase, setPhase] = useState<Phase>({ kind: 'filling' });
  const basket = useBasket(phase.kind === 'filling' && phase.refused !== undefined);

  const send = async (sent: PurchaseAttempt) => {
    setPhase({ kind: 'sending' });
    const { outcome, attempt } = await sendAttempt(sent);
    if (outcome.kind === 'placed') return location.assign(`${orderAddress(outcome.order)}#placed`);
    if (outcome.kind === 'queued') return location.assign(waitingAddress(outcome.checkoutId));
    if (outcome.kind === 'refused') return setPhase({ kind: 'filling', refused: outcome });
    if (attempt === null) return;
    if (outcome.kind === 'unknown') return setPhase({ kind: 'unanswered', attempt });
    setPhase({ kind: 'crowded', attempt, waitSeconds: outcome.waitSeconds });
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: what an earlier visit left, once
  useEffect(() => {
    setDraft({ ...emptyDraft, ...readDraft() });
    const attempt = readAttempt();
    if (attempt === null) return;
    if (attempt.checkoutId !== undefined) location.replace(waitingAddress(attempt.checkoutId));
    else if (shouldResume(attempt, Date.now())) send(attempt);
    else setPhase({ kind: 'unanswered', attempt });
  }, []);

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
    send(newAttempt(purchaseRequest(draft, basket.basket)));
  };
  const change = (field: keyof CheckoutDraft, value: string) =>
    setDraft((before) => ({ ...before, [field]: value }));

  const isLocked = phase.kind !== 'filling';
  if (basket.kind === 'empty' && !isLocked) return <NothingToBuy />;
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
        <PhaseNotice
          phase={phase}
          onSend={send}
          onGiveUp={() => {
            giveUpAttempt();
            setPhase({ kind: 'filling' });
          }}
        />
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

interface PhaseNoticeProps {
  readonly phase: Phase;
  readonly onSend: (attempt: PurchaseAttempt) => void;
  readonly onGiveUp: () => void;
}

function PhaseNotice({ phase, onSend, onGiveUp }: PhaseNoticeProps) {
  if (phase.kind === 'sending') {
    return (
      <Notice tone="wait" title="Placing your order">
        <p>This usually takes a moment. Reloading is safe: you will not buy twice.</p>
      </Notice>
    );
  }
  if (phase.kind === 'crowded') {
    const { attempt, waitSeconds } = phase;
    return <CrowdedNotice {...{ attempt, waitSeconds, onSend, onGiveUp }} />;
  }
  if (phase.kind === 'unanswered') {
    return (
      <Notice tone="bad" title="No answer came back">
        <p>
          Your order may or may not have reached us. Asking again finds out, and can never buy
          twice.
        </p>
        <button
          type="button"
          className="button button-primary"
          onClick={() => onSend(phase.attempt)}
        >
          Ask again
        </button>
      </Notice>
    );
  }
  if (phase.refused === undefined) return null;
  const { title, text } = refusalOf(phase.refused.reason, phase.refused.answer);
  return (
    <Notice tone="bad" title={title}>
      <p>{text}</p>
    </Notice>
  );
}

interface CrowdedNoticeProps extends Omit<PhaseNoticeProps, 'phase'> {
  readonly attempt: PurchaseAttempt;
  readonly waitSeconds: number;
}

function CrowdedNotice({ attempt, waitSeconds, onSend, onGiveUp }: CrowdedNoticeProps) {
  const [left, setLeft] = useState(waitSeconds);
  // biome-ignore lint/correctness/useExhaustiveDependencies: one step a second
  useEffect(() => {
    if (left <= 0) return onSend(attempt);
    const timer = setTimeout(() => setLeft(left - 1), 1_000);
    return () => clearTimeout(timer);
  }, [left]);
  return (
    <Notice tone="wait" title="It is crowded at the till">
      <p>
        We try again for you in {left} {left === 1 ? 'second' : 'seconds'}. Please leave this page
        open; you cannot buy twice.
      </p>
      {!attempt.inDoubt && (
        <button type="button" className="button button-quiet" onClick={onGiveUp}>
          Stop trying
        </button>
      )}
    </Notice>
  );
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
