/**
 * Lets calls share work: those that come within one turn of the event loop, and all that come while
 * others are under way, are carried out as one batch. On loopback a message costs more than what it
 * says (a third of what a cart call cost was the writing to sockets), so one for many is worth it.
 *
 * DataLoader does the gathering; this decides when a batch leaves. One batch at a time: the next
 * one grows meanwhile, so batches get larger exactly when the callee is slower.
 */
import DataLoader from 'dataloader';

export interface GatherLimits {
  readonly batchMax: number;
}

/**
 * `run` gives a result, or an Error, for each key, in order. If it throws, every call of the batch
 * fails with that.
 */
export function gather<K, R>(
  run: (keys: readonly K[]) => Promise<readonly (R | Error)[]>,
  { batchMax }: GatherLimits,
): (key: K) => Promise<R> {
  const waiting: (() => void)[] = [];
  let isRunning = false;
  const runAlone = async (keys: readonly K[]): Promise<readonly (R | Error)[]> => {
    isRunning = true;
    try {
      return await run(keys);
    } finally {
      isRunning = false;
      waiting.shift()?.();
    }
  };
  const loader = new DataLoader<K, R>(runAlone, {
    cache: false,
    maxBatchSize: batchMax,
    batchScheduleFn: (leave) => {
      setImmediate(() => {
        if (isRunning) waiting.push(leave);
        else leave();
      });
    },
  });
  return (key) => loader.load(key);
}
