/** The gateway's own answers: problem documents for programs, a plain page for people. */
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { prefersPage } from '../../../kit/http/negotiation.ts';
import { type Problem, type ProblemBody, problemContentType } from '../../../kit/http/problem.ts';

// Bodies are strings: Node sends a string together with the head in one write.

const style =
  'body{font:1.1rem/1.6 system-ui,sans-serif;max-width:34rem;margin:15vh auto;padding:0 1.5rem}' +
  'h1{font-size:1.6rem}a{color:inherit}';
const styleHash = createHash('sha256').update(style).digest('base64');
const plainPolicy =
  `default-src 'none'; style-src 'sha256-${styleHash}'; ` +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Heading and text for people, by kind of problem, else by status. */
const plainWords: Readonly<Record<string, readonly [heading: string, text: string]>> = {
  404: ['There is nothing here', 'The address may have a typing mistake, or the page has moved.'],
  429: ['A little slower, please', 'Many requests came from your network. Wait a moment.'],
  502: ['That did not work', 'A part of the shop broke off in the middle. Please try again.'],
  504: ['That took too long', 'A part of the shop did not answer in time. Please try again.'],
  overloaded: [
    'The shop is very busy',
    'More people are here than we can serve at this moment. This page tries again by itself.',
  ],
  unavailable: [
    'The shop window is closed for a moment',
    'The part of the shop that draws its pages is not answering. Orders that you have placed are ' +
      'safe. We are already working on it, and this page tries again by itself.',
  ],
};

function wantsPage({ url, headers }: Pick<IncomingMessage, 'url' | 'headers'>): boolean {
  if (url?.startsWith('/api/') === true) return false;
  return prefersPage(headers.accept);
}

function escapeHtml(text: string): string {
  const entities: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
  };
  return text.replace(/[&<>"]/g, (character) => entities[character] ?? character);
}

function waitingWords(position: number, seconds: number): readonly [string, string] {
  const minutes = Math.ceil(seconds / 60);
  const time = seconds < 90 ? `${seconds} seconds` : `${minutes} minutes`;
  return [
    'You are in line',
    `Your place is ${position}, and it will be your turn in about ${time}. First come, first ` +
      'served: your place is kept, also when you reload or close this page for a while.',
  ];
}

function wordsFor({ type, status, title, detail, ...extras }: ProblemBody) {
  const kind = type.split('/').at(-1) ?? '';
  if (kind === 'waiting-room') {
    return waitingWords(Number(extras['position']), Number(extras['etaSeconds']));
  }
  return plainWords[kind] ?? plainWords[status] ?? [title, detail ?? ''];
}

/** A page without pictures and scripts: it must work when no service answers. */
function plainPage(problem: ProblemBody, refreshSeconds: string | undefined): string {
  const [heading, text] = wordsFor(problem);
  const refresh =
    refreshSeconds === undefined ? '' : `<meta http-equiv="refresh" content="${refreshSeconds}">`;
  return (
    `<!doctype html><html lang="en"><meta charset="utf-8"><title>${escapeHtml(heading)}</title>` +
    `<meta name="viewport" content="width=device-width,initial-scale=1">${refresh}` +
    `<style>${style}</style><h1>${escapeHtml(heading)}</h1><p>${escapeHtml(text)}</p>` +
    '<p><a href="/">To the shop</a></p></html>'
  );
}

/** Answers with a problem. Does nothing where a response has already begun. */
export function answerProblem(
  request: IncomingMessage,
  response: ServerResponse,
  problem: Problem,
  requestId?: string,
): void {
  if (response.headersSent || response.destroyed) return;
  const { status } = problem.body;
  const page = wantsPage(request);
  const refresh = request.method === 'GET' ? problem.headers['retry-after'] : undefined;
  const body = page ? plainPage(problem.body, refresh) : JSON.stringify(problem.body);
  response.writeHead(status, {
    'content-type': page ? 'text/html; charset=utf-8' : problemContentType,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(page ? { 'content-security-policy': plainPolicy } : {}),
    ...(requestId === undefined ? {} : { 'x-request-id': requestId }),
    ...problem.headers,
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

/** The bytes of an answer to a request that the HTTP parser refused. */
export function rawProblem(status: number, reason: string, title: string): string {
  const body = JSON.stringify({ type: 'about:blank', title, status });
  return (
    `HTTP/1.1 ${status} ${reason}\r\ncontent-type: ${problemContentType}\r\n` +
    `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`
  );
}
