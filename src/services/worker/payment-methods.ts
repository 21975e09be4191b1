/**
 * Which payment methods this shop takes, and who carries each out: `card` goes to Stripe where a
 * secret key is configured, `test` to the test provider where that is switched on. It is by default
 * on one machine without a Stripe key, so that a fresh checkout sells and a real shop does not
 * give its goods away.
 */
import path from 'node:path';
import { readSecret } from '../../kit/secret.ts';
import type { Charge, ChargeOutcome, PaymentProvider } from './payment.ts';
import type { StripePaymentsOptions } from './stripe-payments.ts';
import { TestPayments } from './test-payments.ts';
import { readBehaviour } from './test-provider-behaviour.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Providers by method; null where the shop knows the method and does not take it. */
export interface Providers {
  readonly card: PaymentProvider | null;
  readonly test: PaymentProvider | null;
}

export async function openProviders(home: string, env: Env): Promise<Providers> {
  const secretKey = readSecret('STRIPE_SECRET_KEY', env);
  const apiBase = env['STRIPE_API_BASE'];
  const options = apiBase === undefined ? {} : { apiBase };
  return {
    card: secretKey === null ? null : await openStripe({ secretKey, ...options }),
    test: takesTestPayments(env, secretKey) ? openTestPayments(home, env) : null,
  };
}

/** Read only where it is needed: it is half of what a worker has to read before it can work. */
async function openStripe(options: StripePaymentsOptions): Promise<PaymentProvider> {
  const { StripePayments } = await import('./stripe-payments.ts');
  return new StripePayments(options);
}

function takesTestPayments(env: Env, stripeKey: string | null): boolean {
  const setting = env['DOORBUSTER_TEST_PAYMENTS'];
  if (setting !== undefined && setting !== '') return setting === 'on';
  return stripeKey === null && env['DOORBUSTER_DISCOVERY'] !== 'dns';
}

function openTestPayments(home: string, env: Env): TestPayments {
  const behaviour = readBehaviour(path.join(home, 'payments', 'test-provider.json'), {
    latencyMs: Number(env['DOORBUSTER_PAYMENT_LATENCY_MS'] ?? 0),
    failureRate: Number(env['DOORBUSTER_PAYMENT_FAILURE_RATE'] ?? 0),
  });
  return new TestPayments({
    ledgerFile: path.join(home, 'payments', 'test-ledger.txt'),
    latencyMs: () => behaviour().latencyMs,
    failureRate: () => behaviour().failureRate,
  });
}

/** Sends each payment to the provider of its method. A method that is not taken is declined. */
export class PaymentsByMethod implements PaymentProvider {
  readonly #providers: Providers;

  constructor(providers: Providers) {
    this.#providers = providers;
  }

  async charge(charge: Charge, signal: AbortSignal): Promise<ChargeOutcome> {
    const { method } = charge;
    if (!isMethod(method)) return { kind: 'declined' };
    return this.#providers[method]?.charge(charge, signal) ?? { kind: 'declined' };
  }

  async void(key: string, method: string): Promise<void> {
    await this.#providerOf(method)?.void(key, method);
  }

  async refund(key: string, method: string, paymentId: string | null): Promise<void> {
    await this.#providerOf(method)?.refund(key, method, paymentId);
  }

  async close(): Promise<void> {
    await Promise.all([this.#providers.card?.close?.(), this.#providers.test?.close?.()]);
  }

  /**
   * Null for a method that never was one, so that nothing can have been paid by it. Throws where
   * the method is not taken any more: money may hang on it, so it waits for its provider.
   */
  #providerOf(method: string): PaymentProvider | null {
    if (!isMethod(method)) return null;
    const provider = this.#providers[method];
    if (provider === null) throw new Error(`no provider is configured for payments by ${method}`);
    return provider;
  }
}

function isMethod(method: string): method is keyof Providers {
  return method === 'card' || method === 'test';
}
