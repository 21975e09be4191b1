/** A request from a loopback address of one's own. */
import { Agent, type IncomingHttpHeaders, request } from 'node:http';

const agent = new Agent({ keepAlive: true });
const answerMsMax = 30_000;

export interface Sent {
  readonly from: string;
  readonly path: string;
  /** POST where it has a body. */
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON, a string as it is. */
  readonly body?: unknown;
  /** Ends the request, and an answer that does not end by itself. */
  readonly over?: AbortSignal;
}

export interface Received {
  /** 0 where there was no answer. */
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** 127.`group`.x.y, the n-th of so many. */
export function addressOf(group: number, n: number, count: number): string {
  const at = n % count;
  return `127.${group}.${1 + Math.floor(at / 250)}.${1 + (at % 250)}`;
}

/** Never rejects. A text is cut at the moment when the answer breaks off. */
export function sendRequest(port: number, sent: Sent): Promise<Received> {
  const { from, path, body, method = body === undefined ? 'GET' : 'POST', over } = sent;
  const text = typeof body === 'string' ? body : JSON.stringify(body ?? '');
  const headers = {
    ...(body === undefined
      ? {}
      : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) }),
    ...sent.headers,
  };
  const signal = AbortSignal.any([AbortSignal.timeout(answerMsMax), ...(over ? [over] : [])]);
  return new Promise((resolve) => {
    let received: Received = { status: 0, headers: {}, text: '' };
    const options = { port, host: '127.0.0.1', localAddress: from, agent, signal };
    const outgoing = request({ ...options, method, path, headers });
    outgoing.on('response', (answer) => {
      received = { status: answer.statusCode ?? 0, headers: answer.headers, text: '' };
      let read = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        read += chunk;
      });
      answer.on('error', () => {}); // a close follows
      answer.on('close', () => resolve({ ...received, text: read }));
    });
    outgoing.on('error', () => resolve(received));
    outgoing.end(body === undefined ? undefined : text);
  });
}
