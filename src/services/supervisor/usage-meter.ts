import { type ProcessUsage, usageOf } from './process-table.ts';

export interface Usage {
  /** Processor cores in use since the last reading. */
  readonly cpu: number;
  readonly memoryBytes: number;
}

/** Turns processor time into cores in use, by comparing with the reading before. */
export class UsageMeter {
  readonly #before = new Map<string, { at: number; usage: ProcessUsage }>();

  /** `key`: what the processes belong to, the same at each reading. */
  read(key: string, pids: readonly number[]): Usage {
    if (pids.length === 0) {
      this.#before.delete(key);
      return { cpu: 0, memoryBytes: 0 };
    }
    const at = performance.now();
    const usage = usageOf(pids);
    const before = this.#before.get(key);
    const elapsedMs = before === undefined ? 0 : at - before.at;
    const spentMs = before === undefined ? 0 : usage.cpuMs - before.usage.cpuMs;
    const cpu = elapsedMs > 0 ? Math.max(0, spentMs / elapsedMs) : 0;
    this.#before.set(key, { at, usage });
    return { cpu, memoryBytes: usage.memoryBytes };
  }
}
