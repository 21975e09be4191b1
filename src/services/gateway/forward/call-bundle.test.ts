import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type FakeService, fakeService, publish } from '../../../../test/gateway/fake-shop.ts';
import { emptyCluster, StaticDirectory } from '../../../kit/cluster/directory.ts';
import {
  type BundledCall,
  bundlePath,
  encodeAnswer,
  notBundled,
} from '../../../kit/http/call-wire.ts';
import { Problem } from '../../../kit/http/problem.ts';
import { fitsBundle } from './call-bundle.ts';
import { forward } from './forward-request.ts';
import { LoadBalancer } from './load-balancer.ts';
import type { AnswerSink, UpstreamRequest } from './upstream-exchange.ts';

const headers = {
  authorization: 'Bearer x',
  'x-request-id': 'r-1',
  traceparent: '00-a-b-01',
  'user-agent': 'nobody there reads it',
};

function requestTo(path: string, changes: Partial<UpstreamRequest> = {}): UpstreamRequest {
  const upstreamRequest = {
    role: 'customers',
    method: 'GET',
    path,
    headers,
    body: null,
    deadlineMs: 2_000,
  };
  return { ...upstreamRequest, inBundle: true, ...changes };
}

function balancerOf(...services: readonly FakeService[]): LoadBalancer {
  const directory = new StaticDirectory(emptyCluster);
  publish(directory, services);
  const balancer = new LoadBalancer(directory);
  onTestFinished(() => balancer.close());
  return balancer;
}

/** The answers of the upstream requests as text; all are sent in one turn. */
function ask(
  balancer: LoadBalancer,
  upstreamRequests: readonly UpstreamRequest[],
): Promise<string[]> {
  return Promise.all(
    upstreamRequests.map(async (upstreamRequest) => {
      let answer = '';
      const sink: AnswerSink = {
        onHead: (status, head, _flow, by) => {
          answer += `${status} ${head['content-length']} ${by} `;
        },
        onData: (chunk) => {
          answer += chunk.toString();
        },
        onEnd: () => {
          answer += '.';
        },
        onBroken: () => {
          answer += 'broken';
        },
      };
      try {
        await forward(balancer, upstreamRequest, sink);
        return answer;
      } catch (error) {
        return `${answer}${error instanceof Problem ? error.body.status : error}`;
      }
    }),
  );
}

type Call = Omit<BundledCall, 'body'> & { readonly body?: string };

/** A service that records its requests. `bundle` answers those that came in bundles. */
async function service(
  bundle: (calls: readonly Call[], response: ServerResponse) => void,
  alone: (request: IncomingMessage, response: ServerResponse) => void = (request, response) => {
    response.end(`alone ${request.url}`);
  },
) {
  const requests: string[] = [];
  const made = await fakeService('customers', async (request, response) => {
    requests.push(`${request.method} ${request.url}`);
    const text = (await Readable.from(request).toArray()).join('');
    if (request.url !== bundlePath) return alone(request, response);
    expect(request.headers.authorization).toBe(headers.authorization);
    bundle(JSON.parse(text), response);
  });
  onTestFinished(() => made[Symbol.asyncDispose]());
  return { requests, made, balancer: balancerOf(made) };
}

function encoded(index: number, status: number, headers: Record<string, string>, body: string) {
  return encodeAnswer({ index, status, headers }, body);
}

const paths = (n: number) => Array.from({ length: n }, (_, at) => requestTo(`/api/carts/${at}`));

describe('what fits a bundle', () => {
  const json = { ...headers, 'content-type': 'application/json' };
  test.each<[string, UpstreamRequest, boolean]>([
    ['a plain read', requestTo('/api/carts/x'), true],
    ['a small JSON body', requestTo('/x', { body: Buffer.from('{}'), headers: json }), true],
    ['a query', requestTo('/api/carts/x?y=1'), false],
    ['a path that must be decoded', requestTo('/api/carts/x/lines/A%20B'), false],
    ['a question without an answer body', requestTo('/x', { method: 'HEAD' }), false],
    ['a body of another type', requestTo('/x', { body: Buffer.from('{}') }), false],
    ['a large body', requestTo('/x', { body: Buffer.alloc(2_000, ' '), headers: json }), false],
    ['a body that streams', requestTo('/x', { body: Readable.from([]), headers: json }), false],
  ])('%s', (_name, upstreamRequest, fits) => {
    expect(fitsBundle(upstreamRequest)).toBe(fits);
  });
});

describe('calls of one turn', () => {
  test('are sent in one request, and each gets its own answer, in any order', async () => {
    const seen: Call[] = [];
    const { requests, balancer } = await service((calls, response) => {
      seen.push(...calls);
      response.write(encoded(1, 404, { a: 'b' }, '"ü"'));
      response.end(encoded(0, 200, {}, '0') + encoded(2, 201, {}, '2'));
    });
    const body = Buffer.from('{"quantity":1}');
    const upstreamRequests = [...paths(2), requestTo('/api/carts/2', { method: 'PUT', body })];
    expect(await ask(balancer, upstreamRequests)).toEqual([
      '200 1 customers-1 0.',
      '404 4 customers-1 "ü".',
      '201 1 customers-1 2.',
    ]);
    expect(requests).toEqual([`POST ${bundlePath}`]);
    const passed = { 'x-request-id': 'r-1', traceparent: '00-a-b-01' };
    expect(seen).toEqual([
      { method: 'GET', path: '/api/carts/0', headers: passed },
      { method: 'GET', path: '/api/carts/1', headers: passed },
      { method: 'PUT', path: '/api/carts/2', headers: passed, body: '{"quantity":1}' },
    ]);
    expect(balancer.inFlight('customers')).toBe(0);
  });

  test('are answered also where an answer arrives in pieces', async () => {
    const { balancer } = await service((_calls, response) => {
      const bytes = Buffer.from(encoded(0, 200, {}, '"ü"') + encoded(1, 200, {}, '1'));
      const cut = bytes.indexOf(0xc3) + 1; // within the ü
      response.write(bytes.subarray(0, cut), () => {
        setImmediate(() => response.end(bytes.subarray(cut)));
      });
    });
    const answers = ['200 4 customers-1 "ü".', '200 1 customers-1 1.'];
    expect(await ask(balancer, paths(2))).toEqual(answers);
  });

  test('are sent in several requests where they are many', async () => {
    const { requests, balancer } = await service((calls, response) => {
      response.end(calls.map((_, at) => encoded(at, 200, {}, '')).join(''));
    });
    const answers = await ask(balancer, paths(201));
    expect(new Set(answers.slice(0, 200))).toEqual(new Set(['200 0 customers-1 .']));
    expect(answers.at(200)).toContain('alone /api/carts/200');
    expect(requests).toHaveLength(3);
  });

  test('a single one is sent as a request of its own', async () => {
    const { requests, balancer } = await service(() => expect.unreachable());
    expect(await ask(balancer, paths(1))).toEqual([expect.stringContaining('alone /api/carts/0')]);
    expect(requests).toEqual(['GET /api/carts/0']);
  });

  test('are sent one by one where the service does not know bundles yet', async () => {
    const { requests, balancer } = await service((_calls, response) => {
      response.writeHead(404).end('{}');
    });
    const answers = await ask(balancer, paths(2));
    expect(answers).toEqual([expect.stringContaining('alone'), expect.stringContaining('alone')]);
    expect(requests).toEqual([`POST ${bundlePath}`, 'GET /api/carts/0', 'GET /api/carts/1']);
  });
});

test('a call that the service cannot bundle is sent as a request of its own', async () => {
  const { requests, balancer } = await service((_calls, response) => {
    response.end(encoded(0, notBundled, {}, '') + encoded(1, 200, {}, '1'));
  });
  const answers = [expect.stringContaining('alone /api/carts/0'), '200 1 customers-1 1.'];
  expect(await ask(balancer, paths(2))).toEqual(answers);
  expect(requests).toEqual([`POST ${bundlePath}`, 'GET /api/carts/0']);
});

describe('a bundle that breaks off', () => {
  test('keeps the answers that came; the others are repeated where that is safe', async () => {
    const { requests, balancer } = await service((_calls, response) => {
      response.write(encoded(1, 200, {}, '1'), () => response.destroy());
    });
    const upstreamRequests = [...paths(2), requestTo('/api/carts', { method: 'POST' })];
    expect(await ask(balancer, upstreamRequests)).toEqual([
      expect.stringContaining('alone /api/carts/0'),
      '200 1 customers-1 1.',
      '502',
    ]);
    expect(requests).toEqual([`POST ${bundlePath}`, 'GET /api/carts/0']);
  });

  test('is one failure of its instance, however many calls it has', async () => {
    const { balancer } = await service((_calls, response) => response.destroy());
    const creations = Array.from({ length: 10 }, () => requestTo('/api/carts', { method: 'POST' }));
    expect(new Set(await ask(balancer, creations))).toEqual(new Set(['502']));
    expect(balancer.pick('customers')?.breaker).toEqual({ mode: 'closed', failures: 1 });
  });

  test('and one that ends too early as well', async () => {
    const { balancer } = await service((_calls, response) =>
      response.end(encoded(0, 200, {}, '0')),
    );
    const upstreamRequests = [...paths(1), requestTo('/api/carts', { method: 'POST' })];
    expect(await ask(balancer, upstreamRequests)).toEqual(['200 1 customers-1 0.', '502']);
  });

  test('an answer that does not come in time is a 504, and not repeated', async () => {
    const { requests, balancer } = await service((_calls, response) => {
      response.write(encoded(0, 200, {}, '0'));
    });
    const upstreamRequests = paths(2).map((upstreamRequest) => ({
      ...upstreamRequest,
      deadlineMs: 50,
    }));
    expect(await ask(balancer, upstreamRequests)).toEqual(['200 1 customers-1 0.', '504']);
    expect(requests).toEqual([`POST ${bundlePath}`]);
  });

  test('a service that is gone is no answer', async () => {
    const { made, balancer } = await service(() => {});
    await made[Symbol.asyncDispose]();
    expect(await ask(balancer, paths(2))).toEqual(['503', '503']);
  });
});

test('an answer that cannot be passed on affects no other of its bundle', async () => {
  const { balancer } = await service((_calls, response) => {
    response.end(encoded(0, 200, {}, '0') + encoded(1, 200, {}, '1'));
  });
  const received: string[] = [];
  const sink = (name: string): AnswerSink => ({
    onHead: () => {
      if (name === 'bad') throw new Error('a header that HTTP does not allow');
    },
    onData: (chunk) => received.push(`${name} ${chunk}`),
    onEnd: () => received.push(`${name} ended`),
    onBroken: () => received.push(`${name} broken`),
  });
  const [bad, good] = paths(2) as [UpstreamRequest, UpstreamRequest];
  await Promise.all([forward(balancer, bad, sink('bad')), forward(balancer, good, sink('good'))]);
  expect(received).toEqual(['bad broken', 'good 1', 'good ended']);
});
