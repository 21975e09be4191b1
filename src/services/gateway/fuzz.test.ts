import { expect, test } from 'vitest';
import { sendMalformed } from '../../../eval/fuzz/send-malformed.ts';
import { fakeCatalog } from '../../../test/gateway/fake-catalog.ts';
import { fakeService, fakeShop, sessionCookie } from '../../../test/gateway/fake-shop.ts';
import { endpoints } from '../../api/openapi.ts';

const requests = 1_500;

test('malformed requests are refused: no 5xx, no crash, nothing left open', async () => {
  const seed = Date.now() % 1_000_000;
  const answer = async (role: string) =>
    fakeService(role, (request, response) => {
      request.resume().on('end', () => response.end('{}'));
    });
  await using catalog = await fakeCatalog();
  await using customers = await answer('customers');
  await using orders = await answer('orders');
  await using supervisor = await answer('supervisor');
  await using storefront = await answer('storefront');
  await using shop = await fakeShop([catalog, customers, orders, supervisor, storefront]);
  const cookie = await sessionCookie({ role: 'owner' });
  const { statuses, failures } = await sendMalformed({
    port: shop.port,
    endpoints,
    requests,
    seed,
    cookie,
  });
  expect(failures, `seed ${seed}`).toEqual([]);
  expect(statuses[400], `seed ${seed}`).toBeGreaterThan(requests / 20);
  expect(shop.log.filter(({ msg }) => msg === 'defect')).toEqual([]);
  expect((await fetch(`${shop.url}/healthz`)).status).toBe(200);
  for (const role of ['catalog', 'customers', 'orders', 'storefront']) {
    await expect.poll(() => shop.balancer.inFlight(role)).toBe(0);
  }
}, 60_000);
