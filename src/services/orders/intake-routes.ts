/** What the gateways and workers speak with: intake, waits, outcomes, the queue's figures. */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import {
  acceptedKeys,
  decidedCheckouts,
  expectOutcomes,
  findCheckout,
  intake,
  knownKeys,
  outcomeStream,
  queueFigures,
  tellOutcomes,
  workStream,
} from '../../api/internal/orders-routes.ts';
import { decidedStatus, outcomeLine } from '../../api/purchase-answer.ts';
import { notFound } from '../../kit/http/problem.ts';
import { serve } from '../../kit/http/route.ts';
import type { AskedKey, PostgresQueue } from '../../queue/postgres-queue.ts';
import { orderToken } from '../../shop/order-token.ts';
import type { OutcomeBoard } from './outcome-board.ts';
import type { QueueMeter } from './queue-figures.ts';
import type { WorkNotifier } from './work-notifier.ts';

export interface IntakeParts {
  readonly queue: PostgresQueue;
  readonly board: OutcomeBoard;
  readonly notifier: WorkNotifier;
  readonly meter: QueueMeter;
  readonly sessionKey: Uint8Array;
}

export function addIntakeRoutes(app: FastifyInstance, parts: IntakeParts): void {
  const { queue, board, notifier, meter } = parts;

  serve(app, intake, async (request) => {
    const json = request.body as string;
    const gateway = header(request, 'x-doorbuster-gateway');
    const { fresh, others } = await queue.acceptJson(json, Number(header(request, 'x-count')));
    if (header(request, 'x-doorbuster-held') !== '0') {
      const ids = fresh.map((row) => row.id);
      board.expect(gateway, ids, Date.now());
    }
    if (board.hasOthers(gateway)) {
      const batch: AskedKey[] = JSON.parse(json);
      board.broadcast(`keys ${batch.map((each) => each.key).join(' ')}`, gateway);
    }
    if (fresh.length > 0) notifier.notify(fresh.length);
    return { fresh: fresh.map((row) => [row.id, row.seq]), others };
  });

  serve(app, knownKeys, async (request) => {
    return { known: await queue.knownKeys(request.body.asked) };
  });

  serve(app, decidedCheckouts, async (request) => {
    const decided = await queue.outcomes(request.body.ids);
    return { decided: decided.map(({ id }) => id) };
  });

  serve(app, acceptedKeys, (request) => queue.keysAfter(request.query.after));

  serve(app, expectOutcomes, async (request) => {
    board.expect(request.body.gateway, request.body.ids, Date.now());
    sendKnownOutcomes(parts, request.body.ids);
    return {};
  });

  // bytes, not text: each byte is a character here, and becomes the same byte again at the gateway
  app.addContentTypeParser('application/octet-stream', { parseAs: 'buffer' }, (_r, body, done) => {
    done(null, body);
  });
  serve(app, tellOutcomes, async (request) => {
    board.send((request.body as Buffer).toString('latin1').split('\n'));
    return {};
  });

  serve(app, outcomeStream, (request, reply) => {
    const stream = openStream(reply);
    board.attach(request.query.gateway, stream);
    stream.write(`figures ${JSON.stringify(meter.figures)}\n`);
  });

  serve(app, workStream, (_request, reply) => notifier.attach(openStream(reply)));

  serve(app, queueFigures, async () => meter.figures);

  serve(app, findCheckout, async (request) => {
    const { id } = request.params;
    const found = await queue.find(id);
    if (found === null) throw notFound('There is no such checkout');
    const { seq } = found;
    if (found.kind === 'queued') return { id, state: 'queued', seq, retryAt: found.retryAt };
    return decidedStatus(id, seq, found.decision);
  });
}

function header(request: FastifyRequest, name: string): string {
  const value = request.headers[name];
  return typeof value === 'string' ? value : '';
}

function openStream(reply: FastifyReply) {
  reply.hijack();
  reply.raw.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' });
  reply.raw.flushHeaders();
  return reply.raw;
}

/** Looks up what is decided among `ids` and sends it. A failure is left to the next poll. */
export function sendKnownOutcomes(
  { queue, board, sessionKey }: IntakeParts,
  ids: string[],
): Promise<void> {
  return queue.outcomes(ids).then(
    (known) =>
      board.send(
        known.map(({ id, seq, decision }) =>
          asBytes(outcomeLine(id, seq, orderToken(sessionKey, id), decision)),
        ),
      ),
    () => {},
  );
}

/** UTF-8 as a string of one character a byte: what the board passes on. */
function asBytes(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}
