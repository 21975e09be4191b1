import { systemClock } from '../../kit/clock.ts';
import { LoadBalancer } from '../../kit/load-balancer.ts';
import { runService, type ServiceContext } from '../../kit/service.ts';
import { AccessLog } from './access-log.ts';
import { Gateway } from './gateway.ts';
import { createPublicServer, listen } from './public-listener.ts';
import { PurchaseDesk } from './purchase/purchase-desk.ts';
import { Sessions } from './session.ts';

const portDefault = 8_080;

const checkoutExpiryMs = 10 * 60_000;
const queueSecondsDefault = 120;

async function setup(context: ServiceContext): Promise<void> {
  const { config, directory, log } = context;
  const balancer = new LoadBalancer(directory);
  const desk = new PurchaseDesk({
    directory,
    client: context.client,
    gatewayId: config.id,
    soldOut: () => null,
    expiryMs: checkoutExpiryMs,
    queueSecondsMax: Number(process.env['DOORBUSTER_QUEUE_SECONDS_MAX'] ?? queueSecondsDefault),
  });
  const gateway = new Gateway({
    balancer,
    sessions: new Sessions(config.sessionKey, systemClock),
    desk,
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
    await desk.close();
    await balancer.close();
  });
}

await runService('gateway', setup);
