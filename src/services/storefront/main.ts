/** Starts the storefront, which renders the pages of the shop. */
import path from 'node:path';
import { runService } from '../../kit/http/service.ts';
import { openWeb } from './page-store.ts';
import { addStorefrontRoutes } from './routes.ts';

const webDist = path.resolve(import.meta.dirname, '../../../web/dist');

await runService('storefront', async ({ app, client, metrics }) => {
  // It is ready without the catalogue too: then its pages say that the catalogue is unavailable.
  addStorefrontRoutes(app, { web: await openWeb(webDist), client, metrics });
});
