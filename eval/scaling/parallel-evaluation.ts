import { Worker } from 'node:worker_threads';
import type { SeedResults } from './evaluation.ts';

export interface EvaluationTask {
  readonly workloads: readonly string[];
  readonly seed: number;
}

/**
 * Evaluates the tasks on `threads` threads, in the order of the tasks, and starts none after
 * `minutesMax`: a busy machine then gives a report on fewer crowds instead of none.
 */
export async function evaluateAll(
  tasks: readonly EvaluationTask[],
  threads: number,
  minutesMax: number,
  onDone: (done: number) => void,
): Promise<SeedResults[]> {
  const answers: SeedResults[][] = tasks.map(() => []);
  const until = performance.now() + minutesMax * 60_000;
  let [next, done] = [0, 0];
  const runThread = (thread: Worker): Promise<void> =>
    new Promise((resolve, reject) => {
      let current = -1;
      const giveNext = () => {
        current = next++;
        const task = tasks[current];
        if (task === undefined || performance.now() > until) resolve();
        else thread.postMessage(task);
      };
      thread.on('error', reject);
      thread.on('message', (answer: SeedResults[]) => {
        answers[current] = answer;
        onDone(++done);
        giveNext();
      });
      giveNext();
    });
  const pool = Array.from(
    { length: Math.max(1, Math.min(threads, tasks.length)) },
    () => new Worker(new URL('./evaluation-thread.ts', import.meta.url)),
  );
  try {
    await Promise.all(pool.map(runThread));
  } finally {
    await Promise.all(pool.map((thread) => thread.terminate()));
  }
  return answers.flat();
}
