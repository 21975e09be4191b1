import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Charge, ChargeOutcome, PaymentProvider } from './payment.ts';
import { openProviders, PaymentsByMethod } from './payment-methods.ts';

let home: string;
beforeAll(async () => {
  home = await mkdtemp(path.join(tmpdir(), 'doorbuster-payments-'));
});
afterAll(() => rm(home, { recursive: true }));

const taken = async (env: Record<string, string>): Promise<string[]> => {
  const { card, test } = await openProviders(home, env);
  return [...(card === null ? [] : ['card']), ...(test === null ? [] : ['test'])];
};

describe('what a shop takes', () => {
  it('is test payments on a machine of its own', async () => {
    expect(await taken({})).toEqual(['test']);
  });

  it('is cards alone where a Stripe key is set', async () => {
    expect(await taken({ STRIPE_SECRET_KEY: 'sk_test_1' })).toEqual(['card']);
  });

  it('is none in a cluster without settings', async () => {
    expect(await taken({ DOORBUSTER_DISCOVERY: 'dns' })).toEqual([]);
  });

  it('is what the settings say', async () => {
    const stripe = { STRIPE_SECRET_KEY: 'sk_test_1', DOORBUSTER_DISCOVERY: 'dns' };
    expect(await taken({ ...stripe, DOORBUSTER_TEST_PAYMENTS: 'on' })).toEqual(['card', 'test']);
    expect(await taken({ DOORBUSTER_TEST_PAYMENTS: 'off' })).toEqual([]);
  });

  it('can come from a file that only its owner may read', async () => {
    const file = path.join(home, 'stripe-key');
    await writeFile(file, 'sk_test_1\n', { mode: 0o600 });
    expect(await taken({ STRIPE_SECRET_KEY_FILE: file })).toEqual(['card']);
    await chmod(file, 0o644);
    await expect(taken({ STRIPE_SECRET_KEY_FILE: file })).rejects.toThrow('chmod 600');
  });
});

class Recorder implements PaymentProvider {
  readonly asked: string[] = [];

  async charge({ key }: Charge): Promise<ChargeOutcome> {
    this.asked.push(`charge ${key}`);
    return { kind: 'approved', paymentId: 'p-1' };
  }

  async void(key: string): Promise<void> {
    this.asked.push(`void ${key}`);
  }

  async refund(key: string, _method: string, paymentId: string | null): Promise<void> {
    this.asked.push(`refund ${key} ${paymentId}`);
  }
}

describe('a payment', () => {
  const signal = new AbortController().signal;
  const chargeBy = (method: string): Charge => {
    return { key: 'k', amount: 1, currency: 'USD', method, token: 't' };
  };

  it('goes to the provider of its method, and so does what follows', async () => {
    const [card, test] = [new Recorder(), new Recorder()];
    const payments = new PaymentsByMethod({ card, test });
    expect(await payments.charge(chargeBy('card'), signal)).toMatchObject({ kind: 'approved' });
    await payments.void('k', 'card');
    await payments.refund('k', 'test', 'p-1');
    expect(card.asked).toEqual(['charge k', 'void k']);
    expect(test.asked).toEqual(['refund k p-1']);
  });

  it('by a method that is not taken is declined', async () => {
    const payments = new PaymentsByMethod({ card: null, test: new Recorder() });
    for (const method of ['card', 'cash', 'constructor']) {
      expect(await payments.charge(chargeBy(method), signal)).toEqual({ kind: 'declined' });
    }
  });

  it('that may have been made stays to be undone until its provider is back', async () => {
    const payments = new PaymentsByMethod({ card: null, test: null });
    await expect(payments.void('k', 'card')).rejects.toThrow('no provider');
    await expect(payments.refund('k', 'test', 'p-1')).rejects.toThrow('no provider');
  });

  it('by a method that never was one needs no undoing', async () => {
    const payments = new PaymentsByMethod({ card: null, test: null });
    await expect(payments.void('k', 'cash')).resolves.toBeUndefined();
  });
});
