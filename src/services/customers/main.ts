/** The customers service: accounts, sessions, carts. */

import path from 'node:path';
import { variantFigures } from '../../api/internal/catalog-routes.ts';
import { eraseCustomerData } from '../../api/internal/orders-routes.ts';
import { systemClock } from '../../kit/clock.ts';
import type { InternalClient } from '../../kit/http/internal-client.ts';
import { runService, type ServiceContext } from '../../kit/http/service.ts';

import { CartIds } from './cart-id.ts';
import { cartSettings } from './cart-store.ts';
import { ErasureOutbox } from './erasure-outbox.ts';
import { keepTidy } from './housekeeping.ts';
import { type AskOffers, OfferLookup } from './offer-lookup.ts';
import { ensureOwner } from './owner.ts';
import { hashCost } from './password.ts';
import { addCustomersRoutes } from './routes.ts';
import { SignInLimit } from './sign-in-limit.ts';
import { SignInQueue } from './sign-in-queue.ts';

const offersDeadlineMs = 500;
const connectionsMax = 8;

await runService('customers', setUp);

async function setUp(context: ServiceContext): Promise<void> {
  const { app, config, client, log, onClose } = context;
  const database = await context.openDatabase({
    database: 'customers',
    connectionsMax,
    settings: cartSettings,
    migrations: path.join(import.meta.dirname, 'migrations'),
  });
  const ownerPassword = process.env['DOORBUSTER_OWNER_PASSWORD'];
  if (ownerPassword === undefined || ownerPassword === '') {
    log.warn('DOORBUSTER_OWNER_PASSWORD is not set: the owner keeps the password of before');
  } else {
    log.info({ owner: await ensureOwner(database, ownerPassword) }, 'the owner has an account');
  }

  const eraseOrders = async (customerId: string): Promise<void> => {
    await client.call(eraseCustomerData, { params: { id: customerId } });
  };
  const outbox = new ErasureOutbox(database, eraseOrders, log);
  outbox.start();
  onClose(() => outbox.close());
  onClose(keepTidy(database, log));

  addCustomersRoutes(app, {
    database,
    client,
    outbox,
    hashCost,
    sessionKey: config.sessionKey,
    clock: systemClock,
    ids: new CartIds(config.sessionKey),
    offers: new OfferLookup(askCatalog(client), systemClock),
    limit: new SignInLimit(database),
    queue: new SignInQueue(),
  });
}

function askCatalog(client: InternalClient): AskOffers {
  return async (skus) => {
    const options = { body: { skus }, deadlineMs: offersDeadlineMs };
    return (await client.call(variantFigures, options)).variants;
  };
}
