/**
 * The test provider: decides by token, keeps a ledger file as an independent witness of what was
 * captured. Charges of one turn of the event loop are written together, before any is answered.
 * Tokens: `tok_ok`, `tok_declined`, `tok_slow` (approves after 2 s), `tok_timeout` (never answers).
 */
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import path from 'node:path';
import type { Charge, ChargeOutcome, PaymentProvider } from './payment.ts';

const slowMs = 2_000;

export interface TestPaymentsOptions {
  readonly ledgerFile: string;
  /** Added to every answer. */
  readonly latencyMs: () => number;
  /** Share of charges that get no answer, 0 to 1. */
  readonly failureRate: () => number;
  readonly random?: () => number;
}

export class TestPayments implements PaymentProvider {
  readonly #options: TestPaymentsOptions;
  #lines = '';
  #flush: Promise<void> | null = null;
  #ledger: Promise<FileHandle> | null = null;

  constructor(options: TestPaymentsOptions) {
    this.#options = options;
  }

  async charge(charge: Charge, signal: AbortSignal): Promise<ChargeOutcome> {
    const { latencyMs, failureRate, random = Math.random } = this.#options;
    const delayMs = latencyMs() + (charge.token === 'tok_slow' ? slowMs : 0);
    if (delayMs > 0 && !(await pause(delayMs, signal))) return { kind: 'unknown', why: 'aborted' };
    if (charge.token === 'tok_timeout') {
      await pause(2 ** 31 - 1, signal);
      return { kind: 'unknown', why: 'the provider never answered' };
    }
    const rate = failureRate();
    if (rate > 0 && random() < rate) return { kind: 'unknown', why: 'the provider failed' };
    if (charge.token !== 'tok_ok' && charge.token !== 'tok_slow') return { kind: 'declined' };
    await this.#write(`capture ${charge.key} ${charge.amount} ${charge.currency}`);
    return { kind: 'approved', paymentId: 'test' };
  }

  void(key: string): Promise<void> {
    return this.#write(`void ${key}`);
  }

  refund(key: string): Promise<void> {
    return this.#write(`refund ${key}`);
  }

  #write(line: string): Promise<void> {
    this.#lines += `${line}\n`;
    this.#flush ??= new Promise((resolve, reject) => {
      setImmediate(() => {
        const lines = this.#lines;
        this.#lines = '';
        this.#flush = null;
        this.#append(lines).then(resolve, reject);
      });
    });
    return this.#flush;
  }

  async #append(lines: string): Promise<void> {
    this.#ledger ??= this.#open();
    const ledger = await this.#ledger;
    await ledger.appendFile(lines);
  }

  async #open(): Promise<FileHandle> {
    const { ledgerFile } = this.#options;
    try {
      await mkdir(path.dirname(ledgerFile), { recursive: true });
      const ledger = await open(ledgerFile, 'a+');
      await endLine(ledger);
      return ledger;
    } catch (error) {
      this.#ledger = null; // the next charge tries again
      throw error;
    }
  }

  async close(): Promise<void> {
    const ledger = await this.#ledger;
    this.#ledger = null;
    await ledger?.close();
  }
}

/** The last writer may have died within a line: what comes now begins a new one. */
async function endLine(ledger: FileHandle): Promise<void> {
  const { size } = await ledger.stat();
  if (size === 0) return;
  const { buffer } = await ledger.read(Buffer.alloc(1), 0, 1, size - 1);
  if (buffer.toString() !== '\n') await ledger.appendFile('\n');
}

/** True after `ms`; false as soon as the signal aborts. */
function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(false);
    const onAbort = (): void => {
      clearTimeout(timer);
      resolve(false);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', onAbort);
      resolve(true);
    }, ms);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
