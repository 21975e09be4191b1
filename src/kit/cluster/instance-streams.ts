/**
 * Reads one endless response from every ready instance of a role. A stream that ends is opened
 * again after `retryMs`, for as long as the directory lists its instance.
 */
import { systemTime, type Time } from '../clock.ts';
import type { Directory, ServiceInstance } from './directory.ts';

export interface InstanceStreams {
  readonly directory: Directory;
  readonly role: string;
  readonly retryMs: number;
  readonly time?: Pick<Time, 'sleep'>;
  /** Reads one stream to its end. What it throws ends this stream only. */
  read(instance: ServiceInstance, signal: AbortSignal): Promise<void>;
  /** The directory lists an instance that is not followed yet. */
  onListed?(instance: ServiceInstance): void;
  /** The directory no longer lists an instance, and its stream has ended. */
  onGone?(instance: ServiceInstance): void;
}

/** Returns a function that stops: it aborts the open streams and opens no more. */
export function followInstances(streams: InstanceStreams): () => void {
  const { directory, role } = streams;
  const followed = new Map<string, AbortController>();
  const update = (): void => {
    const listed = new Map(directory.instances(role).map((each) => [each.url, each]));
    for (const [url, abort] of followed) {
      if (listed.has(url)) continue;
      abort.abort();
      followed.delete(url);
    }
    for (const [url, instance] of listed) {
      if (followed.has(url)) continue;
      const abort = new AbortController();
      followed.set(url, abort);
      streams.onListed?.(instance);
      void readAgainAndAgain(streams, instance, abort.signal);
    }
  };
  const unfollow = directory.onChange(update);
  update();
  return () => {
    unfollow();
    for (const abort of followed.values()) abort.abort();
    followed.clear();
  };
}

async function readAgainAndAgain(
  { read, retryMs, onGone, time = systemTime }: InstanceStreams,
  instance: ServiceInstance,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await read(instance, signal).catch(() => {});
    await time.sleep(retryMs);
  }
  onGone?.(instance);
}
