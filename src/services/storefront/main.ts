/** Starts the storefront, which renders the pages of the shop. */
import path from 'node:path';
import { upstreamCheck } from '../../kit/cluster/upstream-check.ts';
import { runService } from '../../kit/http/service.ts';
import { openWeb } from './page-store.ts';
import { addStorefrontRoutes } from './routes.ts';

const webDist = path.resolve(import.meta.dirname, '../../../web/dist');

await runService('storefront', async (context) => {
  const { app, client, directory, metrics } = context;
  // Without the catalogue its pages say so, where no other storefront has more to show.
  context.onReadiness(upstreamCheck(directory, ['catalog']));
  addStorefrontRoutes(app, { web: await openWeb(webDist), client, metrics });
});
