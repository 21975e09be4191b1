/** `/api/openapi.json` and the page of Swagger UI, with its files from the npm package. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { StoredResponse } from '../cache/stored-response.ts';

export const openApiPath = '/api/openapi.json';
export const docsPath = '/api/docs';

const uiFolder = path.join(
  path.dirname(createRequire(import.meta.url).resolve('@fastify/swagger-ui/package.json')),
  'static',
);

const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Doorbuster API</title>
<link rel="icon" href="${docsPath}/favicon-32x32.png">
<link rel="stylesheet" href="${docsPath}/swagger-ui.css">
<link rel="stylesheet" href="${docsPath}/index.css">
<div id="swagger-ui"></div>
<script src="${docsPath}/swagger-ui-bundle.js"></script>
<script src="${docsPath}/start.js"></script>
</html>
`;

const start = `SwaggerUIBundle({
  url: '${openApiPath}',
  dom_id: '#swagger-ui',
  deepLinking: true,
  validatorUrl: null,
});
`;

// Swagger UI needs `data:` for its icons; everything else is a file of its own.
const pagePolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
  "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const uiFiles: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'index.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'favicon-32x32.png': 'image/png',
};

function asset(type: string, body: Buffer | string, more: Record<string, string> = {}) {
  return new StoredResponse({
    status: 200,
    headers: {
      'content-type': type,
      'cache-control': 'public, no-cache',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'same-origin',
      ...more,
    },
    etag: undefined,
    body: Buffer.from(body),
    surrogates: [],
  });
}

export class ApiPages {
  readonly #ready = new Map<string, StoredResponse>();

  constructor(document: object) {
    this.#ready.set(openApiPath, asset('application/json', JSON.stringify(document)));
    const html = asset('text/html; charset=utf-8', page, { 'content-security-policy': pagePolicy });
    this.#ready.set(docsPath, html).set(`${docsPath}/`, html);
    this.#ready.set(`${docsPath}/start.js`, asset('text/javascript; charset=utf-8', start));
  }

  /** Reads a file of the page at its first request and keeps it. */
  find(urlPath: string): StoredResponse | undefined {
    const known = this.#ready.get(urlPath);
    if (known !== undefined) return known;
    const name = urlPath.replace(`${docsPath}/`, '');
    const type = Object.hasOwn(uiFiles, name) ? uiFiles[name] : undefined;
    if (type === undefined) return undefined;
    const read = asset(type, readFileSync(path.join(uiFolder, name)));
    this.#ready.set(urlPath, read);
    return read;
  }
}
