import type { IncomingMessage, ServerResponse } from 'node:http';
import { systemClock } from '../../kit/clock.ts';
import { LoadBalancer } from '../../kit/load-balancer.ts';
import { unavailable } from '../../kit/problem.ts';
import { runService, type ServiceContext } from '../../kit/service.ts';
import { AccessLog } from './access-log.ts';
import { answerProblem } from './answers.ts';
import { Gateway } from './gateway.ts';
import { createPublicServer, listen } from './public-listener.ts';
import type { PurchaseDesk } from './request-context.ts';
import { Sessions } from './session.ts';

const portDefault = 8_080;

/** Until the purchase desk is there, nobody is told that he has bought something. */
const closedDesk: PurchaseDesk = {
  buy: refuse,
  checkout: refuse,
  checkoutEvents: refuse,
  close: async () => {},
};

function refuse(request: IncomingMessage, response: ServerResponse): void {
  answerProblem(request, response, unavailable('the purchase desk is closed'));
}

async function setup(context: ServiceContext): Promise<void> {
  const { config, directory, log } = context;
  const balancer = new LoadBalancer(directory);
  const gateway = new Gateway({
    balancer,
    sessions: new Sessions(config.sessionKey, systemClock),
    desk: closedDesk,
    accessLog: new AccessLog(log),
    log,
    credentials: { internalToken: config.internalToken, encrypted: false },
    methodsOf: () => null,
  });
  const server = createPublicServer((request, response) => gateway.handle(request, response));
  const listener = await listen(server, Number(process.env['PORT'] ?? portDefault));
  log.info({ port: listener.port }, 'open to the world');
  context.onClose(async () => {
    gateway.drain();
    await listener.close();
    await balancer.close();
  });
}

await runService('gateway', setup);
