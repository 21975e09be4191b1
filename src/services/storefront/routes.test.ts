import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import type { PageRequest, RenderedPage } from '../../api/storefront-page.ts';
import type { CallOptions, RawAnswer } from '../../kit/http/internal-client.ts';
import { timeoutHeader } from '../../kit/http/propagation.ts';
import { createApp } from '../../kit/http/service.ts';
import { createLog } from '../../kit/log.ts';
import { openWeb, type WebFile } from './page-store.ts';
import { addStorefrontRoutes } from './routes.ts';

const authorization = 'Bearer test';
const file: WebFile = {
  type: 'text/javascript; charset=utf-8',
  etag: '"abc"',
  cacheControl: 'public, max-age=31536000, immutable',
  plain: Buffer.from('plain'),
  compressed: { br: Buffer.from('brotli'), gzip: Buffer.from('gzip') },
};

interface Scene {
  readonly render: (request: PageRequest) => Promise<RenderedPage>;
  readonly raw?: (path: string, options?: CallOptions) => Promise<RawAnswer>;
}

const page = (status: 200 | 404 | 503, html: string, isPrivate = false): RenderedPage => ({
  kind: 'page',
  status,
  html,
  isPrivate,
});
const found = (body: unknown, headers: RawAnswer['headers']): RawAnswer => ({
  status: 200,
  headers,
  text: JSON.stringify(body),
});
const listing = { 'surrogate-key': 'listing', 'surrogate-version': '31' };

function storefront({ render, raw }: Scene) {
  const app = createApp('test', createLog('test', 'silent'));
  const files = new Map([
    ['/assets/a.js', file],
    ['/media/bear.svg', { ...file, cacheControl: 'public, max-age=86400' }],
  ]);
  const client = {
    raw: (_role: string, path: string, options?: CallOptions) =>
      raw?.(path, options) ?? Promise.reject(new Error()),
  };
  addStorefrontRoutes(app, {
    web: { files, picturesVersion: 'v1', render },
    client,
    metrics: new Registry(),
  });
  return (url: string, headers: Record<string, string> = {}, method: 'GET' | 'HEAD' = 'GET') =>
    app.inject({ method, url, headers: { authorization, ...headers } });
}

const readsOne = async ({ read }: PageRequest): Promise<RenderedPage> => {
  const answer = await read('/api/products');
  return answer.kind === 'found' ? page(200, `<p>${answer.body}</p>`) : page(503, 'resting');
};

describe('a page', () => {
  it('has the surrogate keys of its answers, and makes browsers ask again', async () => {
    const get = storefront({ render: readsOne, raw: async () => found('bear', listing) });
    const answer = await get('/products');
    expect(answer.body).toBe('<p>bear</p>');
    expect(answer.headers).toMatchObject({ ...listing, 'cache-control': 'public, no-cache' });
    expect(answer.headers['content-security-policy']).not.toContain('unsafe');
    const again = await get('/products', { 'if-none-match': String(answer.headers['etag']) });
    expect(again.statusCode).toBe(304);
    expect(again.body).toBe('');
  });

  it('passes on the request’s id, trace and deadline to the catalogue', async () => {
    const asked: CallOptions[] = [];
    const raw = async (_path: string, options: CallOptions = {}): Promise<RawAnswer> => {
      asked.push(options);
      return found('bear', listing);
    };
    const traced = {
      'x-request-id': 'r-1',
      traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`,
    };
    const comes = performance.now();
    await storefront({ render: readsOne, raw })('/products', { ...traced, [timeoutHeader]: '700' });
    const [{ propagated } = {}] = asked;
    expect(propagated?.headers).toEqual(traced);
    expect(propagated?.endsAt).toBeGreaterThanOrEqual(comes + 700);
    expect(propagated?.endsAt).toBeLessThanOrEqual(performance.now() + 700);
  });

  it('answers HEAD with the same headers and no body', async () => {
    const get = storefront({ render: readsOne, raw: async () => found('bear', listing) });
    const [whole, head] = [await get('/products'), await get('/products', {}, 'HEAD')];
    expect(head.body).toBe('');
    expect(head.headers['etag']).toBe(whole.headers['etag']);
  });

  it('is 503 and not cached when the catalogue does not answer', async () => {
    const get = storefront({ render: readsOne });
    const answer = await get('/products');
    expect(answer.statusCode).toBe(503);
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', 'retry-after': '2' });
    expect(answer.headers).not.toHaveProperty('surrogate-key');
  });

  it('is never cached when its address is a secret', async () => {
    const get = storefront({ render: async () => page(200, 'order', true) });
    expect((await get('/orders/7?token=x')).headers['cache-control']).toBe('no-store');
  });

  it('is 404 without surrogate keys when it does not exist', async () => {
    const get = storefront({ render: async () => page(404, 'gone') });
    const answer = await get('/nothing');
    expect(answer.statusCode).toBe(404);
    expect(answer.headers).not.toHaveProperty('surrogate-key');
  });

  it('is refused without the internal credential', async () => {
    const get = storefront({ render: readsOne });
    expect((await get('/products', { authorization: 'Bearer guess' })).statusCode).toBe(401);
  });
});

describe('a file', () => {
  const get = storefront({ render: async () => page(404, 'gone') });

  it('is sent in an encoding that the client accepts, each with its own ETag', async () => {
    const forms = ['br, gzip', 'br;q=0, gzip', 'identity'].map((each) =>
      get('/assets/a.js', { 'accept-encoding': each }),
    );
    const answers = await Promise.all(forms);
    expect(answers.map(({ body }) => body)).toEqual(['brotli', 'gzip', 'plain']);
    expect(new Set(answers.map(({ headers }) => headers['etag'])).size).toBe(3);
    expect(answers[0]?.headers).toMatchObject({
      'content-encoding': 'br',
      'cache-control': 'public, max-age=31536000, immutable',
      vary: 'Accept-Encoding',
    });
  });

  it('is cacheable for ever only with its version in the address', async () => {
    const answers = await Promise.all(
      ['', '?v=v1', '?v=v0'].map((version) => get(`/media/bear.svg${version}`)),
    );
    expect(answers.map(({ headers }) => headers['cache-control'])).toEqual([
      'public, max-age=86400',
      'public, max-age=31536000, immutable',
      'public, max-age=86400',
    ]);
  });

  it('that does not exist is a plain 404', async () => {
    const answer = await get('/assets/old.js');
    expect(answer.statusCode).toBe(404);
    expect(answer.headers['content-type']).toContain('text/plain');
  });
});

it('says what to do when the pages are not built', async () => {
  await expect(openWeb('/nowhere/web/dist')).rejects.toThrow(/not built.*npm run build/);
});
