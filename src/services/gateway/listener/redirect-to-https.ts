/**
 * Who comes over plain HTTP is sent to the same address over TLS: `DOORBUSTER_REDIRECT_PORT`, where
 * TLS is on. 308, so that a form that was posted is posted again there, not lost.
 */
import type { IncomingMessage } from 'node:http';
import { badRequest } from '../../../kit/http/problem.ts';
import { answerProblem } from '../answer/answers.ts';
import type { Handler } from './public-listener.ts';

const httpsPortUsual = 443;
/** A name or an address, as browsers send it; anything else must not end up in a Location. */
const hostForm = /^(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::\d{1,5})?$/i;

/** The address over TLS, or null where the request names no host. */
export function httpsAddress(
  { headers, url }: Pick<IncomingMessage, 'headers' | 'url'>,
  httpsPort: number,
): string | null {
  const name = hostForm.exec(headers.host ?? '')?.[1];
  if (name === undefined || url?.startsWith('/') !== true) return null;
  const port = httpsPort === httpsPortUsual ? '' : `:${httpsPort}`;
  return `https://${name}${port}${url}`;
}

export function redirectToHttps(httpsPort: number): Handler {
  return (request, response) => {
    const location = httpsAddress(request, httpsPort);
    if (location === null) {
      answerProblem(request, response, badRequest('the request names no host'));
      return;
    }
    response.writeHead(308, { location, 'content-length': 0, connection: 'close' });
    response.end();
    request.resume();
  };
}
