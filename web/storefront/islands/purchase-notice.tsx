import { type ReactNode, useEffect, useRef, useState } from 'react';
import { Notice } from '../../ui/notice.tsx';
import { moneyText } from '../../ui/price.tsx';
import type { PurchaseAttempt } from '../buying/purchase-attempt.ts';
import { quotedTotal, refusalOf } from '../buying/refusal-words.ts';
import type { Purchase } from '../buying/use-purchase.ts';

/** What became of the press on the button, and what to do next. */
export function PurchaseNotice({ phase, again, giveUp }: Purchase) {
  if (phase.kind === 'sending') {
    return (
      <InSight>
        <Notice tone="wait" title="Placing your order">
          <p>This usually takes a moment. Reloading is safe: you will not buy twice.</p>
        </Notice>
      </InSight>
    );
  }
  if (phase.kind === 'crowded') {
    const { attempt, waitSeconds } = phase;
    return (
      <InSight>
        <CrowdedNotice {...{ attempt, waitSeconds, again, giveUp }} />
      </InSight>
    );
  }
  if (phase.kind === 'unanswered') {
    return (
      <InSight>
        <Notice tone="bad" title="No answer came back">
          <p>
            Your order may or may not have reached us. Asking again finds out, and can never buy
            twice.
          </p>
          <button
            type="button"
            className="button button-primary"
            onClick={() => again(phase.attempt)}
          >
            Ask again
          </button>
        </Notice>
      </InSight>
    );
  }
  if (phase.refused === undefined) return null;
  const { title, text } = refusalOf(phase.refused.reason, phase.refused.answer);
  const total = quotedTotal(phase.refused.answer.problem);
  return (
    <InSight>
      <Notice tone="bad" title={title}>
        <p>{text}</p>
        {total !== null && (
          <button type="submit" className="button button-primary">
            Order for {moneyText(total)}
          </button>
        )}
      </Notice>
    </InSight>
  );
}

/** On a phone the button is far below what is said about it. */
function InSight({ children }: { readonly children: ReactNode }) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => place.current?.scrollIntoView({ block: 'center' }), []);
  return (
    <div ref={place} className="purchase-notice">
      {children}
    </div>
  );
}

interface CrowdedNoticeProps extends Omit<Purchase, 'phase' | 'start'> {
  readonly attempt: PurchaseAttempt;
  readonly waitSeconds: number;
}

function CrowdedNotice({ attempt, waitSeconds, again, giveUp }: CrowdedNoticeProps) {
  const [left, setLeft] = useState(waitSeconds);
  // biome-ignore lint/correctness/useExhaustiveDependencies: one step a second
  useEffect(() => {
    if (left <= 0) return again(attempt);
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
        <button type="button" className="button button-quiet" onClick={giveUp}>
          Stop trying
        </button>
      )}
    </Notice>
  );
}
