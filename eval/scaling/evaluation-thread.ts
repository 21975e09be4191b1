/** One thread of the evaluation: takes workloads and a seed, answers with the results. */
import { parentPort } from 'node:worker_threads';
import { evaluateSeed } from './evaluation.ts';
import type { EvaluationTask } from './parallel-evaluation.ts';

parentPort?.on('message', ({ workloads, seed }: EvaluationTask) => {
  parentPort?.postMessage(evaluateSeed(workloads, seed));
});
