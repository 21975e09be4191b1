/** What the gateways and workers speak with: intake, waits, outcomes, the queue's figures. */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import {
  acceptedKeys,
  announceOutcomes,
  decidedCheckouts,
  expectOutcomes,
  findCheckout,
  intake,
  knownKeys,
  outcomeStream,
  queueFigures,
  workStream,
} from '../../api/internal/orders-routes.ts';
import { decidedStatus } from '../../api/purchase-answer.ts';
import { notFound } from '../../kit/http/problem.ts';
import { serve } from '../../kit/http/route.ts';
import type { PostgresQueue } from '../../queue/postgres-queue.ts';
import { Intake, type IntakeParts } from './intake.ts';
import type { QueueMeter } from './queue-figures.ts';
import type { WorkNotifier } from './work-notifier.ts';

export interface ServedParts extends IntakeParts {
  readonly queue: PostgresQueue;
  readonly notifier: WorkNotifier;
  readonly meter: QueueMeter;
}

/** Serves them; the intake itself is for the timer that looks for lost outcomes. */
export function addIntakeRoutes(app: FastifyInstance, parts: ServedParts): Intake {
  const { queue, board, notifier, meter } = parts;
  const purchases = new Intake(parts);

  serve(app, intake, (request) =>
    purchases.accept({
      json: request.body as string,
      count: Number(header(request, 'x-count')),
      gateway: header(request, 'x-doorbuster-gateway'),
      isWaitedFor: header(request, 'x-doorbuster-held') !== '0',
    }),
  );

  serve(app, knownKeys, async (request) => {
    return { known: await queue.knownKeys(request.body.asked) };
  });

  serve(app, decidedCheckouts, async (request) => {
    const decided = await queue.outcomes(request.body.ids);
    return { decided: decided.map(({ id }) => id) };
  });

  serve(app, acceptedKeys, (request) => queue.keysAfter(request.query.after));

  serve(app, expectOutcomes, async (request) => {
    purchases.expect(request.body.gateway, request.body.ids);
    return {};
  });

  // bytes, not text: each byte is a character here, and becomes the same byte again at the gateway
  app.addContentTypeParser('application/octet-stream', { parseAs: 'buffer' }, (_r, body, done) => {
    done(null, body);
  });
  serve(app, announceOutcomes, async (request) => {
    purchases.receive(request.body as Buffer);
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
  return purchases;
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
