/**
 * Redirects plain HTTP to the same address over TLS: on `DOORBUSTER_REDIRECT_PORT`, where TLS is
 * on. The status is 308, so browsers repeat a POST there with its body.
 */
import type { IncomingMessage } from 'node:http';
import { isIPv6 } from 'node:net';
import { hostName } from '../../../kit/http/own-hosts.ts';
import { badRequest } from '../../../kit/http/problem.ts';
import { answerProblem } from '../answer/answers.ts';
import type { Handler } from './public-listener.ts';

const httpsPortUsual = 443;
/** Whether a name is the shop's own; a redirect never goes to another one. */
export type IsOwnName = (name: string) => boolean;

/** The address over TLS, or null where the request does not name a host of the shop. */
export function httpsAddress(
  { headers, url }: Pick<IncomingMessage, 'headers' | 'url'>,
  httpsPort: number,
  isOwnName: IsOwnName,
): string | null {
  const name = hostName(headers.host ?? '');
  if (name === null || !isOwnName(name) || url?.startsWith('/') !== true) return null;
  const port = httpsPort === httpsPortUsual ? '' : `:${httpsPort}`;
  return `https://${isIPv6(name) ? `[${name}]` : name}${port}${url}`;
}

export function redirectToHttps(httpsPort: number, isOwnName: IsOwnName): Handler {
  return (request, response) => {
    const location = httpsAddress(request, httpsPort, isOwnName);
    if (location === null) {
      const why = 'the request names no host of this shop (DOORBUSTER_HOSTS)';
      answerProblem(request, response, badRequest(why));
      return;
    }
    response.writeHead(308, { location, 'content-length': 0, connection: 'close' });
    response.end();
  };
}
