/**
 * The supervisor's own HTTP port, inside only: the control room behind the gateway, health and
 * metrics. It serves whatever state the cluster is in, also without a database.
 */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { Registry } from 'prom-client';
import { Compile } from 'typebox/compile';
import { Fault } from '../../api/control.ts';
import type { InternalTls } from '../../kit/cluster/internal-tls.ts';
import { exportFigure } from '../../kit/exported-metric.ts';
import { requireOwner } from '../../kit/http/principal.ts';
import { invalid } from '../../kit/http/problem.ts';
import { createApp } from '../../kit/http/service.ts';
import type { Log } from '../../kit/log.ts';
import type { ClusterReporter } from './cluster-report.ts';
import { type FaultTargets, inflict } from './faults.ts';
import type { Trio } from './postgres/trio.ts';

const eventEveryMs = 1_000;
const watchersMax = 100;
/** A stream ends after so many reports, and its client connects anew: is it still the owner? */
const reportsMax = 60;
/** The shop's end waits for no request longer than this. */
const closeMsMax = 500;
const eventHeaders = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  'x-accel-buffering': 'no',
};

export interface ControlServerOptions {
  readonly internalToken: string;
  readonly tls: InternalTls | null;
  readonly log: Log;
  readonly reporter: ClusterReporter;
  readonly faults: FaultTargets;
  readonly trio: Trio;
}

export interface ControlServer {
  readonly url: string;
  close(): Promise<void>;
}

const compiledFault = Compile(Fault);

export async function startControlServer(options: ControlServerOptions): Promise<ControlServer> {
  const { reporter, log } = options;
  const app = createApp(options.internalToken, log, options.tls);
  const watchers = new Watchers(reporter, log);
  app.get('/api/control/cluster', async (request, reply) => {
    requireOwner(request);
    reply.header('cache-control', 'no-store');
    return reporter.report();
  });
  app.get('/api/control/events', async (request, reply) => {
    requireOwner(request);
    if (request.method === 'HEAD') return reply.headers(eventHeaders).send();
    watchers.add(reply);
    return reply;
  });
  app.post('/api/control/faults', async (request, reply) => {
    requireOwner(request);
    const fault = request.body;
    if (!compiledFault.Check(fault)) {
      const errors = compiledFault.Errors(fault).map(({ instancePath, message }) => {
        return { path: `body${instancePath}`, message };
      });
      throw invalid(errors);
    }
    inflict(fault, options.faults);
    reporter.note(`${fault.target}: ${fault.kind} was asked for in the control room`);
    log.warn(fault, 'a fault was inflicted on purpose');
    return reply.code(202).send({ target: fault.target, kind: fault.kind });
  });
  addHealth(app, options.trio);
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  return {
    url,
    close: async () => {
      watchers.close();
      reporter.close();
      const cut = setTimeout(() => app.server.closeAllConnections(), closeMsMax);
      await app.close();
      clearTimeout(cut);
    },
  };
}

function addHealth(app: FastifyInstance, trio: Trio): void {
  const open = { config: { open: true } };
  const metrics = new Registry();
  exportFigure(metrics, {
    name: 'doorbuster_database_lag_bytes',
    help: 'bytes of the log that a follower does not have yet, by its last answer',
    label: 'node',
    read: () => {
      const leader = trio.members.get(trio.leadership.leader)?.probe.answer;
      if (leader?.role !== 'leader') return [];
      return [...leader.streaming].map(([node, { flushedLsn }]) => {
        return [node, Math.max(0, leader.lsn - flushedLsn)] as const;
      });
    },
  });
  exportFigure(metrics, {
    name: 'doorbuster_database_epoch',
    help: 'grows with every change of the leader',
    read: () => trio.leadership.epoch,
  });
  app.get('/healthz', open, async () => ({ status: 'alive' }));
  app.get('/readyz', open, async (_request, reply) => {
    const reasons = trio.publication.leader === null ? ['no database leader is published'] : [];
    return reply
      .code(reasons.length === 0 ? 200 : 503)
      .send({ ready: reasons.length === 0, reasons });
  });
  app.get('/metrics', open, async (_request, reply) => {
    return reply.type(metrics.contentType).send(await metrics.metrics());
  });
}

/** All who watch get the same report; without watchers nothing is read. */
class Watchers {
  /** With the reports that each may still get. */
  readonly #open = new Map<FastifyReply, number>();
  readonly #reporter: ClusterReporter;
  readonly #log: Log;
  #timer: NodeJS.Timeout | null = null;

  constructor(reporter: ClusterReporter, log: Log) {
    this.#reporter = reporter;
    this.#log = log;
  }

  add(reply: FastifyReply): void {
    if (this.#open.size >= watchersMax) {
      reply.code(503).header('retry-after', '5').send();
      return;
    }
    reply.hijack();
    reply.raw.writeHead(200, eventHeaders);
    this.#open.set(reply, reportsMax);
    reply.raw.once('close', () => this.#remove(reply));
    this.#timer ??= setInterval(() => void this.#report([...this.#open.keys()]), eventEveryMs);
    void this.#report([reply]);
  }

  #remove(reply: FastifyReply): void {
    this.#open.delete(reply);
    if (this.#open.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }

  async #report(replies: readonly FastifyReply[]): Promise<void> {
    try {
      const report = JSON.stringify(await this.#reporter.report());
      for (const reply of replies) {
        const left = this.#open.get(reply);
        if (left === undefined || reply.raw.writableNeedDrain) continue;
        reply.raw.write(`data: ${report}\n\n`);
        this.#open.set(reply, left - 1);
        if (left <= 1) reply.raw.end();
      }
    } catch (error) {
      this.#log.warn({ err: error }, 'the cluster could not be described');
    }
  }

  close(): void {
    for (const reply of [...this.#open.keys()]) {
      reply.raw.end();
      this.#remove(reply);
    }
  }
}
