/**
 * Sends the crowd from a process of its own: `node crowd-load.ts '<JSON of CrowdLoad>'` prints one
 * line of JSON, a CrowdResult.
 */
import { runLoad } from '../../load/http-load.ts';
import { purchaseRequest } from '../../load/purchase-load.ts';
import { arrivals, type Phase } from './crowd.ts';

export interface CrowdLoad {
  readonly port: number;
  readonly connections: number;
  readonly phases: readonly Phase[];
  readonly seed: number;
  readonly sku: string;
}

export interface CrowdResult {
  /** When the first phase began, in milliseconds since the Unix epoch. */
  readonly startedAt: number;
  readonly sent: number;
  readonly unanswered: number;
  readonly statuses: Readonly<Record<number, number>>;
  /** Due time and latency of each answer, in milliseconds; the due time from the start. */
  readonly answers: readonly (readonly [dueAtMs: number, latencyMs: number])[];
}

async function run({ port, connections, phases, seed, sku }: CrowdLoad): Promise<CrowdResult> {
  const dueAtMs = arrivals(phases, seed);
  const answers: [number, number][] = [];
  let startedAt = Number.NaN;
  const durationMs = (dueAtMs.at(-1) ?? 0) + 1_000;
  const run = `elastic-${process.pid}-${Date.now().toString(36)}`;
  const result = await runLoad({
    port,
    connections,
    durationMs,
    graceMs: 40_000,
    dueAtMs,
    next: (n) => {
      if (n === 0) startedAt = Date.now() - (dueAtMs[0] ?? 0);
      if (n >= dueAtMs.length) return null;
      return purchaseRequest(`${run}-${n}`, [{ sku, quantity: 1 }]);
    },
    onAnswer: (n, _answer, latencyMs) => answers.push([dueAtMs[n] ?? 0, latencyMs]),
  });
  const { sent, failed: unanswered, statuses } = result;
  return { startedAt, sent, unanswered, statuses, answers };
}

process.stdout.write(`${JSON.stringify(await run(JSON.parse(process.argv[2] ?? '{}')))}\n`);
