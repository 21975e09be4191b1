import { expect, test } from 'vitest';
import type { Secrets } from './secrets.ts';
import { serviceEnvironment } from './service-environment.ts';

const secrets: Secrets = {
  internalToken: 'secret-internal',
  sessionKey: 'secret-session',
  ownerPassword: 'secret-owner',
  databasePasswords: {
    postgres: 'secret-postgres',
    replicator: 'secret-replicator',
    catalog: 'secret-catalog',
    customers: 'secret-customers',
    orders: 'secret-orders',
  },
};
const env = {
  PATH: '/bin',
  AWS_SECRET_ACCESS_KEY: 'secret-of-another-program',
  DOORBUSTER_OWNER_PASSWORD: 'secret-owner',
  DOORBUSTER_RATE_LIMIT: 'off',
  STRIPE_SECRET_KEY: 'secret-stripe',
  STRIPE_WEBHOOK_SECRET: 'secret-webhook',
};

test.each([
  ['storefront', ['internal']],
  ['catalog', ['catalog', 'internal']],
  ['gateway', ['internal', 'session']],
  ['customers', ['customers', 'internal', 'owner', 'session']],
  ['orders', ['internal', 'orders', 'session', 'webhook']],
  ['worker', ['internal', 'orders', 'session', 'stripe']],
])('A %s holds the secrets that it works with and no other', (role, expected) => {
  const given = serviceEnvironment(role, secrets, 8_080, env);
  const held = Object.values(given).filter((value) => value.startsWith('secret-'));
  expect(held.map((value) => value.slice('secret-'.length)).toSorted()).toEqual(expected);
  expect(given).toMatchObject({ PATH: '/bin', PORT: '8080', DOORBUSTER_RATE_LIMIT: 'off' });
});
