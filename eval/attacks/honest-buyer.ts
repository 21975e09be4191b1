/**
 * One honest buyer a second, from an address of her own, however long the one before her takes: a
 * guest's purchase, the product's page, and a sign-in, side by side as in three tabs.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { AttackTarget } from './attack.ts';
import { purchaseBody } from './purchase-body.ts';
import { addressOf, type Sent, sendRequest } from './send-request.ts';

export type HonestKind = 'purchase' | 'page' | 'sign-in';

export interface HonestRecord {
  readonly kind: HonestKind;
  readonly status: number;
  readonly milliseconds: number;
}

export interface Account {
  readonly email: string;
  readonly password: string;
}

export interface HonestBuyer {
  readonly pagePath: string;
  /** They sign in, in turn. */
  readonly accounts: readonly Account[];
  /** As a browser keeps it; empty where there is none. */
  readonly cookie: string;
}

export const honestAddress = addressOf(90, 0, 1);
const expected: Readonly<Record<HonestKind, readonly number[]>> = {
  purchase: [201],
  page: [200],
  'sign-in': [200, 201],
};

export function isServed({ kind, status }: HonestRecord): boolean {
  return expected[kind].includes(status);
}

export async function buyHonestly(
  { port, sku, keyPrefix }: AttackTarget,
  { pagePath, accounts, cookie }: HonestBuyer,
  seconds: number,
): Promise<HonestRecord[]> {
  const records: Promise<HonestRecord>[] = [];
  const visit = async (
    kind: HonestKind,
    { headers, ...sent }: Omit<Sent, 'from'>,
  ): Promise<HonestRecord> => {
    const startedAt = performance.now();
    const { status } = await sendRequest(port, {
      ...sent,
      from: honestAddress,
      headers: { ...headers, ...(cookie === '' ? {} : { cookie }) },
    });
    return { kind, status, milliseconds: performance.now() - startedAt };
  };
  const startedAt = performance.now();
  for (let second = 0; second < seconds; second += 1) {
    await sleep(Math.max(0, startedAt + second * 1_000 - performance.now()));
    records.push(
      visit('purchase', {
        path: '/api/orders',
        headers: { 'idempotency-key': `${keyPrefix}${second}`, prefer: 'wait=20' },
        body: purchaseBody(sku, 'honest@example.com', 'tok_ok'),
      }),
      visit('page', { path: pagePath }),
      visit('sign-in', { path: '/api/sessions', body: accounts[second % accounts.length] }),
    );
  }
  return await Promise.all(records);
}
