/** One thread of the evaluation: takes (workload, seed), answers with the results. */
import { parentPort } from 'node:worker_threads';
import { evaluateSeed } from './evaluation.ts';

parentPort?.on('message', (task: { workload: string; seed: number }) => {
  parentPort?.postMessage(evaluateSeed(task.workload, task.seed));
});
