import { useEffect, useRef, useState } from 'react';
import type { CheckoutStatus } from '../../../src/api/order.ts';
import { Icon } from '../../ui/icon.tsx';
import { Notice } from '../../ui/notice.tsx';
import { Sticker } from '../../ui/sticker.tsx';
import { orderAddress, sendAttempt } from '../buying/purchase.ts';
import type { PurchaseAttempt } from '../buying/purchase-attempt.ts';
import { refusalWords } from '../buying/refusal-words.ts';
import { keepAttempt, readAttempt } from '../buying/session-memory.ts';
import { type WatchReport, watchCheckout } from '../buying/watch-checkout.ts';
import { progressOf, waitText } from '../waiting-line.ts';

type View = WatchReport | { readonly kind: 'asking' };

export function WaitingView({ checkoutId }: { readonly checkoutId: string }) {
  const [view, setView] = useState<View>({ kind: 'asking' });
  const [queued, setQueued] = useState<CheckoutStatus | null>(null);
  const [isSilent, setSilent] = useState(false);
  const longest = useRef(0);

  useEffect(
    () =>
      watchCheckout(checkoutId, (report) => {
        setSilent(report.kind === 'silent');
        if (report.kind === 'silent') return;
        setView(report);
        if (report.kind !== 'status') return;
        const { status } = report;
        if (status.state === 'queued') {
          longest.current = Math.max(longest.current, status.position ?? 0);
          setQueued(status);
        } else finish(status);
      }),
    [checkoutId],
  );

  if (view.kind === 'missing') return <UnknownCheckout />;
  if (view.kind === 'status' && view.status.state === 'rejected') {
    return <Rejected reason={view.status.reason ?? ''} />;
  }
  const isPlaced = view.kind === 'status' && view.status.state === 'placed';
  const position = queued?.position;
  return (
    <div className="waiting">
      <Line progress={isPlaced ? 1 : progressOf(position, longest.current)} />
      <div aria-live="polite">
        <h1>{isPlaced ? 'It is yours!' : 'You are in line'}</h1>
        {isPlaced ? (
          <p className="lead">Taking you to your order…</p>
        ) : (
          <>
            {position !== undefined && (
              <p className="waiting-place">
                <span className="waiting-number">{Math.max(1, position)}</span>
                <span>{position <= 1 ? 'You are next' : 'your place in line'}</span>
              </p>
            )}
            <p className="lead">{waitText(queued?.etaSeconds)}</p>
          </>
        )}
      </div>
      {isSilent && (
        <Notice tone="wait" title="The line to the shop is quiet">
          <p>Your place is kept. This page goes on by itself as soon as we hear something.</p>
        </Notice>
      )}
      <ul className="waiting-facts">
        <li>
          <Icon name="clock" /> Reload or close this page: your place is kept.
        </li>
        <li>
          <Icon name="shield" /> You are charged only if the toy is still there.
        </li>
      </ul>
    </div>
  );
}

const askAgainMs = 2_000;

/**
 * Goes to the order. The way in is its token, which comes only with the answer to the purchase; so
 * whoever bought here sends it once more with its key.
 */
async function finish({ id, order }: CheckoutStatus): Promise<void> {
  const attempt = readAttempt();
  const isOwn = attempt?.checkoutId === id;
  if (order === undefined) {
    if (isOwn) keepAttempt(null);
    return;
  }
  let address = orderAddress({ number: order.number });
  for (let isOver = !isOwn; !isOver; ) {
    const { outcome } = await sendAttempt(attempt as PurchaseAttempt);
    if (outcome.kind === 'placed') address = `${orderAddress(outcome.order)}#placed`;
    isOver = outcome.kind === 'placed' || outcome.kind === 'refused';
    if (!isOver) await new Promise((resolve) => setTimeout(resolve, askAgainMs));
  }
  location.replace(address);
}

/**
 * A bear on its way to the door. Decoration: the figures stand in the text. Its place is set by
 * script, since the security policy forbids a style in the markup.
 */
function Line({ progress }: { readonly progress: number }) {
  return (
    <div
      className="waiting-line"
      aria-hidden="true"
      ref={(line) => line?.style.setProperty('--walked', String(progress))}
    >
      <Sticker className="waiting-bear" name="teddy-bear" size={72} />
      <progress max={1} value={progress} />
      <Sticker className="waiting-door" name="door" size={72} />
    </div>
  );
}

function Rejected({ reason }: { readonly reason: string }) {
  const { title, text } = refusalWords(reason);
  const isSoldOut = reason === 'sold-out';
  return (
    <div className="waiting" role="alert">
      <Sticker name="broken-heart" size={120} />
      <h1>{title}</h1>
      <p className="lead">{text}</p>
      <p className="actions">
        <a className="button button-primary button-large" href={isSoldOut ? '/products' : '/cart'}>
          {isSoldOut ? 'See what is left' : 'Back to my cart'} <Icon name="arrow" />
        </a>
        <a className="button button-quiet button-large" href="/">
          To the front door
        </a>
      </p>
    </div>
  );
}

function UnknownCheckout() {
  return (
    <div className="waiting" role="alert">
      <Sticker name="detective" size={120} />
      <h1>We do not know this place in line</h1>
      <p className="lead">
        The address may be incomplete. If you have already bought, your order is safe.
      </p>
      <p className="actions">
        <a className="button button-primary button-large" href="/orders">
          Find my order
        </a>
      </p>
    </div>
  );
}
