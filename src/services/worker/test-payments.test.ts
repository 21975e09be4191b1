import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Charge } from './payment.ts';
import { TestPayments, type TestPaymentsOptions } from './test-payments.ts';

let home: string;
let count = 0;
beforeAll(async () => {
  home = await mkdtemp(path.join(tmpdir(), 'doorbuster-ledger-'));
});
afterAll(() => rm(home, { recursive: true }));
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(async () => {
  vi.useRealTimers();
  await Promise.all(opened.splice(0).map((payments) => payments.close()));
});
const opened: TestPayments[] = [];

function open(options: Partial<TestPaymentsOptions> = {}) {
  count += 1;
  const { ledgerFile = path.join(home, `shop-${count}`, 'ledger.txt') } = options;
  const defaults = { ledgerFile, latencyMs: () => 0, failureRate: () => 0 };
  const payments = new TestPayments({ ...defaults, ...options });
  opened.push(payments);
  const ledger = async (): Promise<string[]> => {
    const text = await readFile(ledgerFile, 'utf8').catch(() => '');
    return text.split('\n').slice(0, -1);
  };
  return { payments, ledger };
}

const chargeOf = (token: string, key = 'checkout-1'): Charge => {
  return { key, amount: 1_299, currency: 'USD', method: 'test', token };
};
const never = new AbortController().signal;

describe('a test payment', () => {
  it('with tok_ok is approved, and in the ledger before it is', async () => {
    const { payments, ledger } = open();
    const outcome = await payments.charge(chargeOf('tok_ok'), never);
    expect(outcome).toMatchObject({ kind: 'approved' });
    expect(await ledger()).toEqual(['capture checkout-1 1299 USD']);
  });

  it('with tok_declined or any other token is declined, and captures nothing', async () => {
    const { payments, ledger } = open();
    for (const token of ['tok_declined', 'tok_unheard_of', '']) {
      expect(await payments.charge(chargeOf(token), never)).toEqual({ kind: 'declined' });
    }
    expect(await ledger()).toEqual([]);
  });

  it('with tok_slow is approved after two seconds', async () => {
    const { payments, ledger } = open();
    let isOver = false;
    const outcome = payments.charge(chargeOf('tok_slow'), never).finally(() => {
      isOver = true;
    });
    await vi.advanceTimersByTimeAsync(1_999);
    expect([isOver, await ledger()]).toEqual([false, []]);
    await vi.advanceTimersByTimeAsync(1);
    expect(await outcome).toMatchObject({ kind: 'approved' });
    expect(await ledger()).toEqual(['capture checkout-1 1299 USD']);
  });

  it('with tok_timeout is never answered, and unknown after the wait ends', async () => {
    const { payments, ledger } = open();
    const abort = new AbortController();
    const outcome = payments.charge(chargeOf('tok_timeout'), abort.signal);
    await vi.advanceTimersByTimeAsync(3_600_000);
    abort.abort();
    expect(await outcome).toMatchObject({ kind: 'unknown' });
    expect(await ledger()).toEqual([]);
  });

  it('takes as long as configured, and can be aborted', async () => {
    const { payments, ledger } = open({ latencyMs: () => 300 });
    const abort = new AbortController();
    const patient = payments.charge(chargeOf('tok_ok', 'patient'), never);
    const hasty = payments.charge(chargeOf('tok_ok', 'hasty'), abort.signal);
    await vi.advanceTimersByTimeAsync(299);
    abort.abort();
    expect(await hasty).toMatchObject({ kind: 'unknown' });
    await vi.advanceTimersByTimeAsync(1);
    expect(await patient).toMatchObject({ kind: 'approved' });
    expect(await ledger()).toEqual(['capture patient 1299 USD']);
    const gone = AbortSignal.abort();
    expect(await payments.charge(chargeOf('tok_ok'), gone)).toMatchObject({ kind: 'unknown' });
  });

  it('goes unanswered in the configured share', async () => {
    const draws = [0.1, 0.3];
    const random = () => draws.shift() ?? 1;
    const { payments } = open({ failureRate: () => 0.25, random });
    const charge = chargeOf('tok_ok');
    expect(await payments.charge(charge, never)).toMatchObject({ kind: 'unknown' });
    expect(await payments.charge(charge, never)).toMatchObject({ kind: 'approved' });
  });

  it('is written together with the others of its turn, one a line', async () => {
    const { payments, ledger } = open();
    const keys = Array.from({ length: 50 }, (_, index) => `checkout-${index}`);
    await Promise.all(keys.map((key) => payments.charge(chargeOf('tok_ok', key), never)));
    expect(await ledger()).toEqual(keys.map((key) => `capture ${key} 1299 USD`));
  });

  it('is tried again where the ledger could not be opened', async () => {
    const blocked = path.join(home, 'blocked');
    await writeFile(blocked, 'a file where the folder should be');
    const { payments, ledger } = open({ ledgerFile: path.join(blocked, 'ledger.txt') });
    await expect(payments.charge(chargeOf('tok_ok'), never)).rejects.toThrow('EEXIST');
    await rm(blocked);
    expect(await payments.charge(chargeOf('tok_ok'), never)).toMatchObject({ kind: 'approved' });
    expect(await ledger()).toEqual(['capture checkout-1 1299 USD']);
  });

  it('begins a line of its own where another writer died within one', async () => {
    const ledgerFile = path.join(home, 'cut-off.txt');
    await writeFile(ledgerFile, 'capture checkout-0 12');
    const { payments, ledger } = open({ ledgerFile });
    await payments.charge(chargeOf('tok_ok'), never);
    expect(await ledger()).toEqual(['capture checkout-0 12', 'capture checkout-1 1299 USD']);
  });

  it('voided or refunded is written down too', async () => {
    const { payments, ledger } = open();
    await Promise.all([payments.void('checkout-1'), payments.refund('checkout-2')]);
    expect(await ledger()).toEqual(['void checkout-1', 'refund checkout-2']);
  });
});
