import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { StoredResponse } from './stored-response.ts';

function stored(body: string, type = 'application/json') {
  return new StoredResponse({
    status: 200,
    headers: { 'content-type': type },
    etag: '"v7"',
    body: Buffer.from(body),
    surrogates: [],
  });
}

/** The headers as an object, since the list is made for speed. */
function headersOf({ headers }: { headers: readonly string[] }): Record<string, string> {
  const object: Record<string, string> = {};
  for (let i = 0; i < headers.length; i += 2) object[headers[i] ?? ''] = headers[i + 1] ?? '';
  return object;
}

describe('encodings', () => {
  const text = JSON.stringify(Array.from({ length: 200 }, (_, i) => ({ title: `Teddy ${i}` })));

  test.each([
    ['br', brotliDecompressSync],
    ['gzip', gunzipSync],
  ] as const)(
    '%s is made when it was wanted often enough, and holds the same',
    async (name, un) => {
      const response = stored(text);
      expect(response.choose(name)).toBe(response.identity);
      await expect.poll(() => response.choose(name)).not.toBe(response.identity);
      const variant = response.choose(name);
      expect(un(variant.body).toString()).toBe(text);
      expect(un(Buffer.from(variant.latin1 ?? '', 'latin1')).toString()).toBe(text);
      expect(headersOf(variant)).toMatchObject({
        etag: 'W/"v7"',
        vary: 'accept-encoding',
        'content-encoding': name,
        'content-length': String(variant.body.length),
      });
      expect(variant.body.length).toBeLessThanOrEqual(response.bytes - text.length);
      expect(headersOf(response.choose(undefined))['content-encoding']).toBeUndefined();
    },
  );

  test('pictures and small answers stay as they are', () => {
    for (const response of [stored('x'.repeat(9_000), 'image/png'), stored('small')]) {
      for (let i = 0; i < 9; i += 1) expect(response.choose('br')).toBe(response.identity);
      expect(headersOf(response.identity)['vary']).toBeUndefined();
    }
  });
});
