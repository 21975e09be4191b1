/**
 * An endless answer between two processes, as TCP carries it: in order and whole, until it breaks.
 * It breaks when one of its ends dies or the network loses a packet for good. The reader then finds
 * its end and the writer gets `close`, each a message later.
 */
import type { OutcomeStream } from '../../src/services/orders/outcome-board.ts';
import type { SimulatedNetwork } from './simulated-network.ts';
import type { SimulatedProcess } from './simulated-process.ts';

export class SimulatedStream implements OutcomeStream, AsyncIterable<Uint8Array> {
  readonly #network: SimulatedNetwork;
  readonly #writer: SimulatedProcess;
  readonly #reader: SimulatedProcess;
  readonly #onClose: (() => void)[] = [];
  /** Sent, in order; null is the end. */
  readonly #travelling: (Uint8Array | null)[] = [];
  /** Arrived, not read yet. */
  readonly #arrived: (Uint8Array | null)[] = [];
  #wake: () => void = () => {};
  #isOpen = true;
  /** Nothing that is sent later arrives before. */
  #lastArrival = 0;

  constructor(network: SimulatedNetwork, writer: SimulatedProcess, reader: SimulatedProcess) {
    this.#network = network;
    this.#writer = writer;
    this.#reader = reader;
    for (const end of [writer, reader]) end.whenDead(() => this.break());
  }

  on(_event: 'close', listener: () => void): void {
    this.#onClose.push(listener);
  }

  write(text: string): void {
    if (!this.#isOpen || this.#writer.isDead) return;
    if (this.#network.losesPacket()) this.break();
    else this.#carry(Buffer.from(text, 'latin1'));
  }

  end(): void {
    this.break();
  }

  break(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#carry(null);
    this.#network.carry(0, () => {
      this.#writer.deliver(() => {
        for (const listener of this.#onClose) listener();
      });
    });
  }

  #carry(chunk: Uint8Array | null): void {
    this.#travelling.push(chunk);
    this.#lastArrival = this.#network.carry(this.#lastArrival, () => {
      const first = this.#travelling.shift() ?? null;
      this.#reader.deliver(() => {
        this.#arrived.push(first);
        this.#wake();
      });
    });
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      const chunk = this.#arrived.shift();
      if (chunk === null) return;
      if (chunk !== undefined) yield chunk;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}
