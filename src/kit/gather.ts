/**
 * Gathers calls into batches: those of one turn of the event loop, and all that come while a batch
 * is under way, become one batch. On loopback the message costs more than its content (a third of
 * the cost of a cart call was writing to sockets), so one message for many calls is cheaper.
 *
 * DataLoader collects the calls; this file decides when a batch is sent. One batch is under way at
 * a time, and the next one grows meanwhile: batches get larger when the callee gets slower.
 */
import DataLoader from 'dataloader';

/**
 * `run` returns a result or an Error for each key, in order. If it throws, every call of the batch
 * rejects with that error.
 */
export function gather<K, R>(
  run: (keys: readonly K[]) => Promise<readonly (R | Error)[]>,
  { batchMax }: { readonly batchMax: number },
): (key: K) => Promise<R> {
  const waiting: (() => void)[] = [];
  let isRunning = false;
  const runOneAtATime = async (keys: readonly K[]): Promise<readonly (R | Error)[]> => {
    isRunning = true;
    try {
      return await run(keys);
    } finally {
      isRunning = false;
      waiting.shift()?.();
    }
  };
  const loader = new DataLoader<K, R>(runOneAtATime, {
    cache: false,
    maxBatchSize: batchMax,
    batchScheduleFn: (start) => {
      setImmediate(() => {
        if (isRunning) waiting.push(start);
        else start();
      });
    },
  });
  return (key) => loader.load(key);
}
