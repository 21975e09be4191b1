/** Measures which share of the machine's processor time is unused. */
import { type CpuInfo, cpus } from 'node:os';

interface Times {
  readonly idleMs: number;
  readonly allMs: number;
}

function sumOf(processors: readonly CpuInfo[]): Times {
  let [idleMs, allMs] = [0, 0];
  for (const { times } of processors) {
    idleMs += times.idle;
    allMs += times.user + times.nice + times.sys + times.irq + times.idle;
  }
  return { idleMs, allMs };
}

/** Compares each reading of the processor times with the one before. */
export class IdleMeter {
  readonly #processors: () => readonly CpuInfo[];
  #before: Times;

  constructor(processors: () => readonly CpuInfo[] = cpus) {
    this.#processors = processors;
    this.#before = sumOf(processors());
  }

  /** Idle share of all processors since the last reading, 0 to 1; 0 where no time has passed. */
  read(): number {
    const before = this.#before;
    const { idleMs, allMs } = sumOf(this.#processors());
    this.#before = { idleMs, allMs };
    return allMs > before.allMs ? (idleMs - before.idleMs) / (allMs - before.allMs) : 0;
  }
}
