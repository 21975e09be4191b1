/** The shoppers of a drill, seen from the drill: started, stopped, and read when they are home. */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { PurchaseRecord } from './purchase-record.ts';
import type { ShoppersOptions } from './shoppers.ts';

const script = path.join(import.meta.dirname, 'shoppers.ts');

export class Crowd {
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #file: string;
  readonly #gone: Promise<number | null>;

  constructor(options: Omit<ShoppersOptions, 'file'>) {
    this.#folder = mkdtempSync(path.join(tmpdir(), 'doorbuster-crowd-'));
    this.#file = path.join(this.#folder, 'purchases.ndjson');
    this.#child = fork(script, [JSON.stringify({ ...options, file: this.#file })]);
    process.once('exit', () => rmSync(this.#folder, { recursive: true, force: true }));
    this.#gone = new Promise((resolve) => this.#child.once('exit', resolve));
  }

  /** No one arrives any more. */
  close(): void {
    if (this.#child.connected) this.#child.send('stop');
  }

  /** In turn only: resolves when so many have been served. */
  async untilServed(count: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#child.on('message', ({ served }: { served?: number }) => {
        if (served !== undefined && served >= count) resolve();
      });
      this.#gone.then(() => reject(new Error(`the shoppers left before ${count} were served`)));
    });
  }

  /** Resolves when the last shopper is served or has given up. */
  async records(): Promise<PurchaseRecord[]> {
    const code = await this.#gone;
    if (code !== 0) throw new Error(`the shoppers ended with code ${code}`);
    const lines = readFileSync(this.#file, 'utf8').split('\n');
    rmSync(this.#folder, { recursive: true, force: true });
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as PurchaseRecord);
  }

  kill(): void {
    this.#child.kill('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
