/**
 * Strangers at the door: connections that have not yet sent a whole request head.
 *
 * A shopper is a stranger for milliseconds; who sends a byte a second stays one until the header
 * time-out. So their number is bounded, and when a newcomer finds the connectionLimit full the one
 * that has stood there longest must go: slow senders push out each other, and nobody else.
 */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';

const strangersMaxDefault = 2_048;
const connectionsMax = 20_000;

export class ConnectionLimit {
  readonly #strangers = new Set<Socket>();
  readonly #strangersMax: number;
  /** Connections cut to make room, for metrics. */
  evicted = 0;

  constructor(strangersMax = strangersMaxDefault) {
    this.#strangersMax = strangersMax;
  }

  /**
   * Watches a server's connections: from the first byte, or under TLS from the end of the
   * handshake, which has a time-out of its own. HTTP/2 has its own limits too.
   */
  guard(server: Server, event: 'connection' | 'secureConnection'): void {
    server.maxConnections = connectionsMax;
    server.on(event, (socket: Socket & { alpnProtocol?: string | false }) => {
      if (socket.alpnProtocol === 'h2') return;
      this.#strangers.add(socket);
      socket.once('close', () => this.#strangers.delete(socket));
      if (this.#strangers.size <= this.#strangersMax) return;
      const [eldest] = this.#strangers;
      this.evicted += 1;
      eldest?.destroy();
      if (eldest !== undefined) this.#strangers.delete(eldest);
    });
  }

  /** To be told of each request's connection. */
  welcome(socket: Socket): void {
    this.#strangers.delete(socket);
  }

  get strangers(): number {
    return this.#strangers.size;
  }
}
