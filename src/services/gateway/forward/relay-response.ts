/** Writes an upstream answer to the client while it arrives. */
import type { ServerResponse } from 'node:http';
import type { AnswerSink, Flow } from './upstream-exchange.ts';

const wholeBytesMax = 16 * 1_024;

/**
 * Writes as fast as the client reads, so a slow reader pauses the upstream and costs no memory. A
 * small answer that arrived in one piece is sent in one write together with its head.
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
      // The head of an event stream is sent before the first event, others with their body.
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
      else response.end(whole.toString('latin1'), 'latin1'); // one character per byte
    },
    onBroken: () => response.destroy(),
  };
}
