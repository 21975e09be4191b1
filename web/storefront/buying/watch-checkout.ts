/**
 * Follows a checkout until it is decided. Server-sent events first; while the stream is broken it
 * asks every `pollMs` instead, and the browser goes on trying to reconnect by itself.
 */
import type { CheckoutStatus } from '../../../src/api/order.ts';
import { askShop } from './ask-shop.ts';

const pollMs = 2_000;

export type WatchReport =
  | { readonly kind: 'status'; readonly status: CheckoutStatus }
  | { readonly kind: 'missing' }
  /** Nobody answers at the moment; the place in line is kept. */
  | { readonly kind: 'silent' };

/** Returns the way to stop. Stops by itself at a final state. */
export function watchCheckout(id: string, report: (report: WatchReport) => void): () => void {
  const path = `/api/checkouts/${encodeURIComponent(id)}`;
  const stream = new EventSource(`${path}/events`);
  let timer: number | undefined;
  let isOver = false;

  const stop = () => {
    isOver = true;
    stream.close();
    window.clearTimeout(timer);
  };
  const show = (status: CheckoutStatus) => {
    if (isOver) return;
    if (status.state !== 'queued') stop();
    report({ kind: 'status', status });
  };
  const poll = async () => {
    timer = undefined;
    const answer = await askShop(path);
    if (isOver || stream.readyState === EventSource.OPEN) return;
    if (answer.kind === 'problem' && answer.status === 404) {
      stop();
      return report({ kind: 'missing' });
    }
    if (answer.kind === 'ok') show(answer.body as CheckoutStatus);
    else report({ kind: 'silent' });
    schedule(pollMs);
  };
  const schedule = (delayMs: number) => {
    if (!isOver && timer === undefined) timer = window.setTimeout(poll, delayMs);
  };

  stream.addEventListener('checkout', (event) => show(JSON.parse(event.data) as CheckoutStatus));
  stream.onerror = () => schedule(0);
  return stop;
}
