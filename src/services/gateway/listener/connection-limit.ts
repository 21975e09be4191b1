/**
 * Bounds the pending connections: those that have not yet sent a whole request head.
 *
 * A shopper's connection is pending for milliseconds, that of a client that sends a byte a second
 * until the header time-out. When a new connection finds the limit reached, the oldest pending one
 * is cut: slow senders push out each other, and nobody else.
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
   * Watches a server's connections: from the first byte, or under TLS from the end of the
   * handshake, which has a time-out of its own. HTTP/2 has its own limits too.
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

  /** To be called with each request's connection, which is pending no longer. */
  requestArrived(socket: Socket): void {
    this.#pending.delete(socket);
  }

  get pending(): number {
    return this.#pending.size;
  }
}
