/**
 * Follows an endless answer of every ready instance of a role, for whatever only that instance can
 * tell. A stream that ends is opened again after `retryMs`, for as long as the directory lists its
 * instance.
 */
import type { Directory, ServiceInstance } from './directory.ts';

export interface InstanceStreams {
  readonly directory: Directory;
  readonly role: string;
  readonly retryMs: number;
  /** Reads one stream to its end. What it throws ends that stream alone. */
  read(instance: ServiceInstance, signal: AbortSignal): Promise<void>;
  /** An instance was listed that is not followed yet. */
  onListed?(instance: ServiceInstance): void;
  /** An instance is listed no more, and its stream has ended. */
  onGone?(instance: ServiceInstance): void;
}

/** Returns the way to stop: no stream is opened any more, and those that are open are aborted. */
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
  { read, retryMs, onGone }: InstanceStreams,
  instance: ServiceInstance,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await read(instance, signal).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, retryMs));
  }
  onGone?.(instance);
}
