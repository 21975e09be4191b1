/** Messages from whoever started this process; `process` itself, or one that a test plays. */
export interface Channel {
  on(event: 'message', listener: (message: unknown) => void): unknown;
  on(event: 'disconnect', listener: () => void): unknown;
  exit(code: number): void;
}

/**
 * A spare worker is connected and claims nothing until the message `go` comes: then it begins,
 * once. One that nobody can send it to any more ends. Who has begun outlives a dead supervisor.
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
