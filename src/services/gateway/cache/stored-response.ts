/**
 * A whole response as bytes, ready to be sent many times: with its ETag, and with compressed
 * variants once it has been requested often enough.
 */
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { bestEncoding, type Encoding } from '../../../kit/http/negotiation.ts';
import type { Surrogate } from '../../../kit/http/surrogates.ts';

export interface Variant {
  readonly body: Buffer;
  /**
   * A small body once more, one character per byte; null if it is large. Node sends head and string
   * in one write, but head and buffer in two, which took 7 % more processor time per response.
   */
  readonly latin1: string | null;
  readonly etag: string;
  /** Names and values alternating, as `writeHead` takes them. */
  readonly headers: readonly string[];
}

const compressBytesMin = 1_024;
/** A response that is requested less often is not worth compressing. */
const compressUsesMin = 3;
const brotliQuality = 5; // 11 took 17 to 54 times as long for 6 to 13 % less
const keptRatioMax = 0.5; // so that all encodings together never exceed twice the bytes
const overheadBytes = 1_024;
const latin1BytesMax = 16_384;
const compressible = /^(text\/|application\/(json|javascript|problem\+json)|image\/svg\+xml)/;

const compressWith: Record<Encoding, (body: Buffer) => Promise<Buffer>> = {
  gzip: promisify(gzip),
  br: (body) =>
    promisify(brotliCompress)(body, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: brotliQuality,
        [constants.BROTLI_PARAM_SIZE_HINT]: body.length,
      },
    }),
};

function contentEtag(body: Buffer): string {
  return `"${createHash('sha1').update(body).digest('base64url')}"`;
}

export interface ResponseParts {
  readonly status: number;
  /** Lower-case names, single values, without `etag`, `content-length` and `vary`. */
  readonly headers: Readonly<Record<string, string>>;
  readonly etag: string | undefined;
  readonly body: Buffer;
  /** Empty for a response that is never invalidated: it is kept for `keepMs`, or for ever. */
  readonly surrogates: readonly Surrogate[];
  readonly keepMs?: number;
}

export class StoredResponse {
  readonly status: number;
  readonly surrogates: readonly Surrogate[];
  /** 0 for no limit. */
  readonly keepMs: number;
  /** Memory that it may occupy with all encodings. */
  readonly bytes: number;
  readonly identity: Variant;
  readonly #parts: ResponseParts;
  readonly #compressible: boolean;
  readonly #encoded = new Map<Encoding, Variant | 'pending' | 'too large'>();
  #uses = 0;

  constructor(parts: ResponseParts) {
    const { status, headers, body, surrogates } = parts;
    this.status = status;
    this.surrogates = surrogates;
    this.keepMs = parts.keepMs ?? 0;
    this.#parts = parts;
    this.#compressible =
      body.length >= compressBytesMin &&
      headers['content-encoding'] === undefined &&
      compressible.test(headers['content-type'] ?? '');
    const copies = (this.#compressible ? 2 : 1) * (body.length <= latin1BytesMax ? 2 : 1);
    this.bytes = body.length * copies + overheadBytes;
    this.identity = this.#variant(null, body, parts.etag ?? contentEtag(body));
  }

  /** The variant to send now. Starts to compress one that is requested often. */
  choose(acceptEncoding: string | undefined): Variant {
    if (!this.#compressible) return this.identity;
    this.#uses += 1;
    const encoding = bestEncoding(acceptEncoding);
    if (encoding === null) return this.identity;
    const found = this.#encoded.get(encoding);
    if (found === undefined && this.#uses >= compressUsesMin) void this.#encode(encoding);
    return typeof found === 'object' ? found : this.identity;
  }

  async #encode(encoding: Encoding): Promise<void> {
    this.#encoded.set(encoding, 'pending');
    const { body } = this.identity;
    const encoded = await compressWith[encoding](body);
    const isSmall = encoded.length <= body.length * keptRatioMax;
    const etag = `W/${this.identity.etag.replace(/^W\//, '')}`;
    this.#encoded.set(encoding, isSmall ? this.#variant(encoding, encoded, etag) : 'too large');
  }

  #variant(encoding: Encoding | null, body: Buffer, etag: string): Variant {
    const headers: string[] = [];
    for (const [name, value] of Object.entries(this.#parts.headers)) headers.push(name, value);
    headers.push('etag', etag, 'content-length', String(body.length));
    if (this.#compressible) headers.push('vary', 'accept-encoding');
    if (encoding !== null) headers.push('content-encoding', encoding);
    const latin1 = body.length <= latin1BytesMax ? body.toString('latin1') : null;
    return { body, latin1, etag, headers };
  }
}
