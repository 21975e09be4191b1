/**
 * Bounds the pending connections: those that have not yet sent a whole request head.
 *
 * A shopper's connection is pending for milliseconds. That of a client which sends a byte per
 * second is pending until the header time-out. When a new connection comes at the limit, the oldest
 * pending one is closed: so slow senders displace each other, not shoppers.
 */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';

const pendingMaxDefault = 2_048;
const connectionsMax = 20_000;

export class ConnectionLimit {
  readonly #pending = new Set<Socket>();
  readonly #pendingMax: number;
  /** Connections cut to make room, for metrics. */
  evicted = 0;

  constructor(pendingMax = pendingMaxDefault) {
    this.#pendingMax = pendingMax;
  }

  /**
   * Counts a server's connections: from the start, or with TLS from the end of the handshake, which
   * has a time-out of its own. HTTP/2 has its own limits too.
   */
  watch(server: Server, event: 'connection' | 'secureConnection'): void {
    server.maxConnections = connectionsMax;
    server.on(event, (socket: Socket & { alpnProtocol?: string | false }) => {
      if (socket.alpnProtocol === 'h2') return;
      this.#pending.add(socket);
      socket.once('close', () => this.#pending.delete(socket));
      if (this.#pending.size <= this.#pendingMax) return;
      const [eldest] = this.#pending;
      this.evicted += 1;
      eldest?.destroy();
      if (eldest !== undefined) this.#pending.delete(eldest);
    });
  }

  /** Call it for each request: its connection is no longer pending. */
  requestArrived(socket: Socket): void {
    this.#pending.delete(socket);
  }

  get pending(): number {
    return this.#pending.size;
  }
}
