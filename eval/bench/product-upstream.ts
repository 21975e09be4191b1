/** A catalog and an orders service for `reads`: one product, a stream of heartbeats, one order. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const heartbeatMs = 250;
const variants = Array.from({ length: 6 }, (_, index) => ({
  id: `v${index}`,
  sku: `BEAR-${index}`,
  title: `Size ${index}`,
  options: { Size: String(index) },
  price: { amount: 1_299 + index, currency: 'USD' },
  compareAtPrice: null,
  available: 100,
}));
const product = Buffer.from(
  JSON.stringify({
    id: '7',
    handle: 'teddy-bear',
    title: 'Teddy Bear',
    descriptionHtml: `<p>${'A bear that has seen the world and came home for tea. '.repeat(12)}</p>`,
    tags: ['plush'],
    variants,
    version: 7,
  }),
);

const server = createServer((request, response) => {
  if (request.url?.startsWith('/internal/invalidations')) {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    response.write('{"type":"hello","epoch":1,"cursor":"0"}\n');
    const beat = setInterval(() => response.write('{"type":"heartbeat"}\n'), heartbeatMs);
    response.once('close', () => clearInterval(beat));
    return;
  }
  const kept = request.url?.startsWith('/api/products') === true;
  response.writeHead(200, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': product.length,
    ...(kept
      ? {
          'cache-control': 'public, no-cache',
          etag: '"7-7"',
          'surrogate-key': 'product-7',
          'surrogate-version': '7',
        }
      : {}),
  });
  response.end(product);
});
server.listen(0, '127.0.0.1', () => {
  process.send?.({ port: (server.address() as AddressInfo).port });
});
process.on('disconnect', () => process.exit(0));
