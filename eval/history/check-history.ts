/**
 * The history checker: pure, no clock, no database. It takes what clients saw and what the
 * databases hold, and names every promise of the purchase protocol that was broken.
 */
import { checkLog } from './check-log.ts';
import { checkMoney } from './check-money.ts';
import { checkStock } from './check-stock.ts';
import type { History, ShopRecords } from './history.ts';
import type { Violation } from './violation.ts';

export interface CheckOptions {
  /** The shop is at rest: everything must be decided and carried out. */
  readonly atRest: boolean;
}

export function checkHistory(history: History, { atRest }: CheckOptions): Violation[] {
  return [
    ...checkLog(history),
    ...checkStock(history),
    ...checkMoney(history),
    ...(atRest ? checkRest(history.records) : []),
  ];
}

function checkRest({ queued, followUps }: ShopRecords): Violation[] {
  return [
    ...queued.map(
      (subject): Violation => ({ kind: 'stuck', subject, detail: 'is still in the queue' }),
    ),
    ...followUps.map(
      ({ checkoutId: subject, kind }): Violation => ({
        kind: 'stuck',
        subject,
        detail: `its ${kind} was not carried out`,
      }),
    ),
  ];
}
