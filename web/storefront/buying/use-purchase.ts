/**
 * The checkout page's side of a purchase:
 *
 * filling -> sending -> (gone to the order or to the line)
 *               |-> filling, with the reason           the shop refused for good
 *               |-> crowded, counts down -> sending    not accepted: asks again with the same key
 *               '-> unanswered -> sending              unknown: only asking again is possible
 */
import { useEffect, useState } from 'react';
import type { PurchaseRequest } from '../../../src/api/order.ts';
import {
  giveUpAttempt,
  newAttempt,
  orderAddress,
  sendAttempt,
  waitingAddress,
} from './purchase.ts';
import { type Outcome, type PurchaseAttempt, shouldResume } from './purchase-attempt.ts';
import { readAttempt } from './session-memory.ts';

export type Phase =
  | { readonly kind: 'filling'; readonly refused?: Extract<Outcome, { kind: 'refused' }> }
  | { readonly kind: 'sending' }
  | { readonly kind: 'crowded'; readonly attempt: PurchaseAttempt; readonly waitSeconds: number }
  | { readonly kind: 'unanswered'; readonly attempt: PurchaseAttempt };

export interface Purchase {
  readonly phase: Phase;
  start(request: PurchaseRequest): void;
  again(attempt: PurchaseAttempt): void;
  giveUp(): void;
}

export function usePurchase(): Purchase {
  const [phase, setPhase] = useState<Phase>({ kind: 'filling' });
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
    const attempt = readAttempt();
    if (attempt === null) return;
    if (attempt.checkoutId !== undefined) location.replace(waitingAddress(attempt.checkoutId));
    else if (shouldResume(attempt, Date.now())) send(attempt);
    else setPhase({ kind: 'unanswered', attempt });
  }, []);
  return {
    phase,
    start: (request) => send(newAttempt(request)),
    again: send,
    giveUp: () => {
      giveUpAttempt();
      setPhase({ kind: 'filling' });
    },
  };
}
