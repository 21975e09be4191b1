import type { ServerResponse } from 'node:http';
import type { AnswerSink, Flow } from './upstream-exchange.ts';

const wholeBytesMax = 16 * 1_024;

/**
 * Copies an answer to the client at the client's own pace, so that a slow reader costs a pause and
 * no memory. A small answer that came whole leaves in one write together with its head.
 */
export function relayTo(response: ServerResponse, writeHead: AnswerSink['onHead']): AnswerSink {
  let flow: Flow | null = null;
  let expectedBytes = -1;
  let whole: Buffer | null = null;
  return {
    onHead(status, headers, granted, by) {
      if (response.destroyed) return granted.abort();
      flow = granted;
      writeHead(status, headers, granted, by);
      expectedBytes = Number(headers['content-length'] ?? -1);
      // Events must not wait for the first one to be seen as begun; other heads go with the body.
      if (headers['content-type'] === 'text/event-stream') response.flushHeaders();
    },
    onData(chunk) {
      if (chunk.length === expectedBytes && chunk.length <= wholeBytesMax) whole = chunk;
      else if (!response.write(chunk)) {
        flow?.pause();
        response.once('drain', () => flow?.resume());
      }
    },
    onEnd() {
      if (whole === null) response.end();
      else response.end(whole.toString('latin1'), 'latin1'); // one character a byte
    },
    onBroken: () => response.destroy(),
  };
}
