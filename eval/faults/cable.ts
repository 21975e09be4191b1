/**
 * A network cable between two processes: a TCP proxy that can be cut and slowed down.
 *
 * Conditions: *whole* (bytes go through), *slow* (each piece arrives `delayMs` later, in order) and
 * *cut* (nothing arrives, nothing is refused and nobody is told, as when a switch dies: what was
 * sent meanwhile is kept by the sockets and arrives if the cable is mended in time).
 */
import { connect, createServer, type Server, type Socket } from 'node:net';

export type Condition =
  | { readonly kind: 'whole' }
  | { readonly kind: 'slow'; readonly delayMs: number }
  | { readonly kind: 'cut' };

export const whole: Condition = { kind: 'whole' };

interface End {
  readonly from: Socket;
  readonly to: Socket;
}

export class Cable {
  readonly #target: { readonly host: string; readonly port: number };
  readonly #server: Server;
  readonly #ends = new Set<End>();
  readonly #sockets = new Set<Socket>();
  #condition: Condition = whole;

  constructor(target: { readonly host: string; readonly port: number }) {
    this.#target = target;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
      const far = connect({ ...this.#target, allowHalfOpen: true, noDelay: true });
      this.#join(near, far);
      this.#join(far, near);
    });
  }

  /** Resolves with the port to use instead of the target's. */
  async plugIn(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the cable has no port');
    return address.port;
  }

  set condition(condition: Condition) {
    this.#condition = condition;
    for (const { from } of this.#ends) {
      if (condition.kind === 'cut') from.pause();
      else from.resume();
    }
  }

  #join(from: Socket, to: Socket): void {
    const end: End = { from, to };
    this.#ends.add(end);
    this.#sockets.add(from);
    if (this.#condition.kind === 'cut') from.pause();
    from.on('data', (chunk) => this.#carry(() => this.#write(end, chunk)));
    from.on('end', () => this.#carry(() => to.end()));
    from.on('error', () => to.destroy());
    from.on('close', (hadError) => {
      this.#ends.delete(end);
      this.#sockets.delete(from);
      this.#carry(() => (hadError ? to.destroy() : to.end()));
    });
  }

  /** In order: timers of the same length fire in the order in which they were set. */
  #carry(deliver: () => void): void {
    if (this.#condition.kind === 'slow') setTimeout(deliver, this.#condition.delayMs);
    else deliver();
  }

  #write({ from, to }: End, chunk: Buffer): void {
    if (to.destroyed || to.write(chunk)) return;
    from.pause();
    to.once('drain', () => {
      if (this.#condition.kind !== 'cut') from.resume();
    });
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
