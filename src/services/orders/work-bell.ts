import type { ServerResponse } from 'node:http';

/**
 * Tells idle workers that there is work: one newline on each worker's stream, at most once a turn
 * of the event loop. Only a hint; a worker also looks by itself.
 */
export class WorkBell {
  readonly #streams = new Set<ServerResponse>();
  #rung = false;

  attach(stream: ServerResponse): void {
    this.#streams.add(stream);
    stream.on('close', () => this.#streams.delete(stream));
  }

  ring(): void {
    if (this.#rung || this.#streams.size === 0) return;
    this.#rung = true;
    setImmediate(() => {
      this.#rung = false;
      for (const stream of this.#streams) stream.write('\n');
    });
  }

  close(): void {
    for (const stream of this.#streams) stream.end();
    this.#streams.clear();
  }
}
