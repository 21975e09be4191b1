/** Creates and connects the cache, the stock board, the stream of changes and the sampler. */
import { variantFigures } from '../../../api/internal/catalog-routes.ts';
import type { Directory } from '../../../kit/cluster/directory.ts';
import type { InternalClient } from '../../../kit/http/internal-client.ts';
import type { Log } from '../../../kit/log.ts';
import type { LoadBalancer } from '../forward/load-balancer.ts';
import type { LoadShedder } from '../forward/load-shedder.ts';
import type { Credentials } from '../forward/upstream-request.ts';
import { ruleOf } from '../routing/routes.ts';
import { nextRequestId, traceparentOf } from '../visitor/request-context.ts';
import { CachedReads } from './cached-reads.ts';
import { InvalidationStream } from './invalidation-stream.ts';
import { Sampler } from './stale-response-sampler.ts';
import { StockBoard } from './stock-board.ts';

const cacheBytesMax = 64 * 1_024 * 1_024;
const stockDeadlineMs = 1_000;

export interface FreshnessParts {
  readonly directory: Directory;
  readonly client: InternalClient;
  readonly log: Log;
  readonly balancer: LoadBalancer;
  readonly shedder: LoadShedder;
  readonly credentials: Credentials;
}

export interface Freshness {
  readonly reads: CachedReads;
  readonly stock: StockBoard;
  readonly stream: InvalidationStream;
  readonly sampler: Sampler;
  close(): Promise<void>;
}

export function openFreshness(parts: FreshnessParts): Freshness {
  const { directory, client, log, balancer, shedder, credentials } = parts;
  const isLive = (): boolean => stream.isLive();
  const reads = new CachedReads({
    balancer,
    shedder,
    credentials,
    bytesMax: cacheBytesMax,
    isLive,
    isCatalogAbsent: () => stream.isCatalogAbsent(),
  });
  const stock = new StockBoard(async (skus) => {
    const options = { body: { skus }, deadlineMs: stockDeadlineMs };
    return (await client.call(variantFigures, options)).variants;
  }, isLive);
  const stream = new InvalidationStream({
    directory,
    log,
    open: client.stream,
    listener: {
      onSession() {
        reads.cache.flush();
        stock.clear();
      },
      onChanges(changes, figures) {
        for (const { key, version } of changes) reads.cache.invalidate(key, version);
        for (const figure of figures) stock.set(figure);
      },
    },
  });
  const sampler = new Sampler({
    cache: reads.cache,
    log,
    fetch: (address) =>
      reads.fetch(address, {
        rule: ruleOf(address),
        importance: 'crawler',
        client: null,
        requestId: nextRequestId(),
        traceparent: traceparentOf(),
      }),
  });
  const close = async (): Promise<void> => {
    await Promise.all([sampler.close(), stream.close()]);
  };
  return { reads, stock, stream, sampler, close };
}
