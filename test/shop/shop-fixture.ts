/**
 * One running shop for all tests of this folder and of e2e; its address comes by `inject`. It takes
 * test payments, and cards through a stand-in for Stripe.
 */
import type { TestProject } from 'vitest/node';
import { type RunningShop, startShop } from '../../eval/cluster/running-shop.ts';
import { StripeFixture, stripeKey } from '../stripe-fixture.ts';

declare module 'vitest' {
  interface ProvidedContext {
    shopUrl: string;
    shopHome: string;
    ownerPassword: string;
    stripeUrl: string;
    stripeWebhookSecret: string;
  }
}

const stripeWebhookSecret = 'whsec_of_the_test';
let shop: RunningShop | null = null;
let stripe: StripeFixture | null = null;

export async function setup(project: TestProject): Promise<void> {
  stripe = await StripeFixture.start();
  stripe.searchLags = false;
  shop = await startShop({
    env: {
      DOORBUSTER_OWNER_PASSWORD: 'correct horse battery',
      DOORBUSTER_TEST_PAYMENTS: 'on',
      STRIPE_SECRET_KEY: stripeKey,
      STRIPE_WEBHOOK_SECRET: stripeWebhookSecret,
      STRIPE_API_BASE: stripe.url,
    },
  });
  project.provide('stripeUrl', stripe.url);
  project.provide('stripeWebhookSecret', stripeWebhookSecret);
  project.provide('shopUrl', shop.url);
  project.provide('shopHome', shop.home);
  project.provide('ownerPassword', 'correct horse battery');
}

export async function teardown(): Promise<void> {
  const code = await shop?.stop();
  await stripe?.[Symbol.asyncDispose]();
  if (code !== 0) throw new Error(`the shop did not stop cleanly: ${code}`);
}
