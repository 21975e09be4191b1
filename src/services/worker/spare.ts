/** How a spare worker waits for its supervisor's message `go`. */

/** The channel to the parent process: `process` itself, or a fake of a test. */
export interface Channel {
  on(event: 'message', listener: (message: unknown) => void): unknown;
  on(event: 'disconnect', listener: () => void): unknown;
  exit(code: number): void;
}

/**
 * A spare worker is connected to its services and claims nothing until the message `go` arrives.
 * If its supervisor dies before that, it exits. A worker that has begun goes on without supervisor.
 */
export function beginOnGo(channel: Channel, begin: () => void): void {
  let hasBegun = false;
  channel.on('message', (message) => {
    if ((message as { type?: unknown }).type !== 'go' || hasBegun) return;
    hasBegun = true;
    begin();
  });
  channel.on('disconnect', () => {
    if (!hasBegun) channel.exit(0);
  });
}
