/**
 * A catalog and a customers service for `reads`: one product, a stream of heartbeats, and carts,
 * asked for alone or in bundles, that are the same bytes as the product.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { type BundledCall, bundlePath, encodeAnswer } from '../../src/kit/http/call-wire.ts';

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
    descriptionHtml: `<p>${'A bear that has seen the world came home for tea. '.repeat(12)}</p>`,
    tags: ['plush'],
    variants,
    version: 7,
  }),
);

const type = 'application/json; charset=utf-8';
const productText = product.toString();

async function answerBundle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const calls: readonly BundledCall[] = JSON.parse(await text(request));
  const headers = { 'content-type': type };
  const answers = calls.map((_call, index) =>
    encodeAnswer({ index, status: 200, headers }, productText),
  );
  response.writeHead(200, { 'content-type': 'application/octet-stream' });
  response.end(answers.join(''));
}

const server = createServer((request, response) => {
  if (request.url === bundlePath) {
    answerBundle(request, response);
    return;
  }
  if (request.url?.startsWith('/internal/invalidations')) {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    response.write('{"type":"hello","epoch":1,"cursor":"0"}\n');
    const heartbeat = setInterval(() => response.write('{"type":"heartbeat"}\n'), heartbeatMs);
    response.once('close', () => clearInterval(heartbeat));
    return;
  }
  const kept = request.url?.startsWith('/api/products') === true;
  response.writeHead(200, {
    'content-type': type,
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
