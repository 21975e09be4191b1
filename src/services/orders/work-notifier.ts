import type { ServerResponse } from 'node:http';

/**
 * Notifies workers of work: a line on each worker's stream with the number of checkouts that
 * arrived, at most once a turn of the event loop. 0 means: some wait, of unknown age. A lost line
 * does no harm, since workers poll too.
 */
export class WorkNotifier {
  readonly #streams = new Set<ServerResponse>();
  #notified = false;
  #arrived = 0;

  attach(stream: ServerResponse): void {
    this.#streams.add(stream);
    stream.on('close', () => this.#streams.delete(stream));
  }

  notify(arrived: number): void {
    if (this.#streams.size === 0) return;
    this.#arrived += arrived;
    if (this.#notified) return;
    this.#notified = true;
    setImmediate(() => {
      this.#notified = false;
      const line = `${this.#arrived}\n`;
      this.#arrived = 0;
      for (const stream of this.#streams) stream.write(line);
    });
  }

  close(): void {
    for (const stream of this.#streams) stream.end();
    this.#streams.clear();
  }
}
