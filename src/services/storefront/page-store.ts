/**
 * The files that `tools/build-web.mjs` made (about two megabytes), read into memory at the start.
 * So no request reads the disk, and a path in a request cannot name another file.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { PageAssets, PageBundle } from '../../api/storefront-page.ts';
import type { Encoding } from '../../kit/http/negotiation.ts';

export interface WebFile {
  readonly type: string;
  readonly etag: string;
  readonly cacheControl: string;
  readonly plain: Buffer;
  readonly compressed: Readonly<Partial<Record<Encoding, Buffer>>>;
}

export interface Web {
  /** By the path in the address, e.g. `/assets/storefront-a1b2.js`. */
  readonly files: ReadonlyMap<string, WebFile>;
  readonly picturesVersion: string;
  readonly render: ReturnType<PageBundle['createRenderer']>;
}

const types: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.woff2': 'font/woff2',
};

export const immutable = 'public, max-age=31536000, immutable';
/** A picture without a version in its address may change under the same name. */
const daily = 'public, max-age=86400, stale-while-revalidate=604800';

/** Reads web/dist. Throws an error that says what to do where it is missing. */
export async function openWeb(dist: string): Promise<Web> {
  const assetsText = await readFile(path.join(dist, 'assets.json'), 'utf8').catch(() => {
    throw new Error(`the web pages are not built: ${dist} is missing; run "npm run build"`);
  });
  const assets: PageAssets = JSON.parse(assetsText);
  const bundleUrl = pathToFileURL(path.join(dist, 'server', 'storefront.js')).href;
  const bundle: PageBundle = await import(bundleUrl);
  const files = new Map<string, WebFile>();
  await readFolder(path.join(dist, 'client'), '', files);
  await readFolder(path.join(dist, 'media'), '/media', files);
  const { picturesVersion } = assets;
  return { files, picturesVersion, render: bundle.createRenderer(assets) };
}

async function readFolder(folder: string, below: string, into: Map<string, WebFile>) {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = new Set(entries.map(({ name }) => name));
  for (const entry of entries) {
    const file = path.join(folder, entry.name);
    const address = `${below}/${entry.name}`;
    const type = types[path.extname(entry.name)];
    if (entry.isDirectory()) await readFolder(file, address, into);
    else if (type !== undefined) into.set(address, await readWebFile(file, address, type, names));
  }
}

async function readWebFile(
  file: string,
  address: string,
  type: string,
  names: ReadonlySet<string>,
): Promise<WebFile> {
  const plain = await readFile(file);
  const name = path.basename(file);
  const compressed: Partial<Record<Encoding, Buffer>> = {};
  if (names.has(`${name}.br`)) compressed.br = await readFile(`${file}.br`);
  if (names.has(`${name}.gz`)) compressed.gzip = await readFile(`${file}.gz`);
  const cacheControl = address.startsWith('/assets/') ? immutable : daily;
  return { type, etag: etagOf(plain), cacheControl, plain, compressed };
}

export function etagOf(bytes: Buffer | string): string {
  return `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`;
}
