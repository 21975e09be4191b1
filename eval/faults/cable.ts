/**
 * A network cable between two processes: a TCP proxy that can be cut and slowed down.
 *
 * Conditions: *whole* (bytes go through), *slow* (each piece arrives `delayMs` later, in order) and
 * *cut* (nothing arrives, nothing is refused and no end gets an error, as when a switch dies:
 * what was sent meanwhile is kept by the sockets and arrives if the cable is mended in time).
 */
import { connect, createServer, type Server, type Socket } from 'node:net';

export type Condition =
  | { readonly kind: 'whole' }
  | { readonly kind: 'slow'; readonly delayMs: number }
  | { readonly kind: 'cut' };

export const whole: Condition = { kind: 'whole' };

export interface Address {
  readonly host: string;
  readonly port: number;
}

interface Piece {
  readonly timer: NodeJS.Timeout;
  readonly deliver: () => void;
}

/** One direction of a connection, with the pieces that are under way on it, oldest first. */
interface End {
  readonly from: Socket;
  readonly to: Socket;
  readonly underWay: Piece[];
}

export class Cable {
  readonly #target: () => Address | null;
  readonly #server: Server;
  readonly #ends = new Set<End>();
  readonly #sockets = new Set<Socket>();
  #condition: Condition = whole;

  /** `target` is asked at each connection; null: nobody is there, so it is refused. */
  constructor(target: () => Address | null) {
    this.#target = target;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
      const address = this.#target();
      if (address === null) {
        near.destroy();
        return;
      }
      const far = connect({ ...address, allowHalfOpen: true, noDelay: true });
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

  /** What was sent and is still to arrive, while the cable is slow. */
  get piecesUnderWay(): number {
    return [...this.#ends].reduce((sum, { underWay }) => sum + underWay.length, 0);
  }

  set condition(condition: Condition) {
    this.#condition = condition;
    for (const { from } of this.#ends) {
      if (condition.kind === 'cut') from.pause();
      else from.resume();
    }
    if (condition.kind === 'whole') for (const end of this.#ends) arriveNow(end);
  }

  #join(from: Socket, to: Socket): void {
    const end: End = { from, to, underWay: [] };
    this.#ends.add(end);
    this.#sockets.add(from);
    if (this.#condition.kind === 'cut') from.pause();
    from.on('data', (chunk) => this.#carry(end, () => this.#write(end, chunk)));
    from.on('end', () => this.#carry(end, () => to.end()));
    from.on('error', () => to.destroy());
    from.on('close', (hadError) => {
      this.#ends.delete(end);
      this.#sockets.delete(from);
      this.#carry(end, () => (hadError ? to.destroy() : to.end()));
    });
  }

  /** Nothing overtakes what was sent before it, also where the cable is mended in between. */
  #carry(end: End, deliver: () => void): void {
    if (this.#condition.kind !== 'slow') {
      arriveNow(end);
      deliver();
      return;
    }
    const arrive = (): void => {
      end.underWay.shift();
      deliver();
    };
    end.underWay.push({ timer: setTimeout(arrive, this.#condition.delayMs), deliver });
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

function arriveNow({ underWay }: End): void {
  for (const { timer, deliver } of underWay.splice(0)) {
    clearTimeout(timer);
    deliver();
  }
}
