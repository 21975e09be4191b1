import path from 'node:path';
import { runService } from '../../kit/http/service.ts';
import { openWeb } from './page-store.ts';
import { addStorefrontRoutes } from './routes.ts';

const webDist = path.resolve(import.meta.dirname, '../../../web/dist');

await runService('storefront', async ({ app, client, metrics }) => {
  // No readiness check on the catalogue: without it the storefront still has something to say.
  addStorefrontRoutes(app, { web: await openWeb(webDist), client, metrics });
});
