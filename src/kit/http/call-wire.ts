/**
 * How calls that travel together are written down (call-table.ts has the why).
 *
 * The question is a JSON array of calls. The answer is a row of answers in the order in which they
 * end: a line of JSON (what the answer is, and how many bytes its body has), then the body. It
 * stays as it is: JSON within JSON would be escaped by one side and unescaped by the other, which
 * cost the reader 7 % of its time.
 */
export const bundlePath = '/internal/calls';
/** 421 Misdirected Request (RFC 9110): this call is to be made by itself. */
export const notBundled = 421;

export interface BundledCall {
  readonly method: string;
  /** Without a query, and without percent-encoding: it is taken literally. */
  readonly path: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** JSON. */
  readonly body?: string;
}

export interface AnswerHead {
  /** Of its call, counted from 0. */
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

/** Finds the answers in what arrives piece by piece. */
export class AnswerReader {
  #rest: Buffer = Buffer.alloc(0);

  /** The answers that are whole now. Throws where it is no such row. */
  read(piece: Buffer): BundledAnswer[] {
    const bytes = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    const whole: BundledAnswer[] = [];
    let at = 0;
    for (;;) {
      const headEnd = bytes.indexOf(lineFeed, at);
      if (headEnd < 0) break;
      const [index, status, headers, length]: WireHead = JSON.parse(
        bytes.toString('utf8', at, headEnd),
      );
      const end = headEnd + 1 + length;
      if (!(end <= bytes.length)) break;
      whole.push({ index, status, headers, body: bytes.subarray(headEnd + 1, end) });
      at = end;
    }
    this.#rest = bytes.subarray(at);
    return whole;
  }
}
