/**
 * The wire format of call bundles (call-table.ts says why they exist).
 *
 * The request is a JSON array of calls. The response holds the answers in the order in which they
 * finish. Each answer is a line of JSON (status, headers, length of its body in bytes) and then the
 * body as it is. A body inside the JSON would have to be escaped and unescaped, which cost the
 * reader 7 % of its time.
 */
export const bundlePath = '/internal/calls';
/** 421 Misdirected Request (RFC 9110): the caller must send this call as its own request. */
export const notBundled = 421;

export interface BundledCall {
  readonly method: string;
  /** Without a query and without percent-encoding. */
  readonly path: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** JSON. */
  readonly body?: string;
}

export interface AnswerHead {
  /** Index of its call in the bundle, counted from 0. */
  readonly index: number;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}

export interface BundledAnswer extends AnswerHead {
  readonly body: Buffer;
}

type WireHead = readonly [number, number, Readonly<Record<string, string>>, bytes: number];

const lineFeed = 0x0a;

export function encodeAnswer({ index, status, headers }: AnswerHead, body: string): string {
  const head: WireHead = [index, status, headers, Buffer.byteLength(body)];
  return `${JSON.stringify(head)}\n${body}`;
}

/** Decodes the answers of a response that arrives in pieces. */
export class AnswerReader {
  #incomplete: Buffer = Buffer.alloc(0);

  /** The answers that are complete now. Throws where the bytes are not in this format. */
  read(piece: Buffer): BundledAnswer[] {
    const bytes = this.#incomplete.length === 0 ? piece : Buffer.concat([this.#incomplete, piece]);
    const complete: BundledAnswer[] = [];
    let at = 0;
    for (;;) {
      const headEnd = bytes.indexOf(lineFeed, at);
      if (headEnd < 0) break;
      const [index, status, headers, length]: WireHead = JSON.parse(
        bytes.toString('utf8', at, headEnd),
      );
      const end = headEnd + 1 + length;
      if (!(end <= bytes.length)) break;
      complete.push({ index, status, headers, body: bytes.subarray(headEnd + 1, end) });
      at = end;
    }
    this.#incomplete = bytes.subarray(at);
    return complete;
  }
}
