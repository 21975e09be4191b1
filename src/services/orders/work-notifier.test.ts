import type { ServerResponse } from 'node:http';
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { WorkNotifier } from './work-notifier.ts';

const attach = (notifier: WorkNotifier): PassThrough => {
  const stream = new PassThrough();
  notifier.attach(stream as unknown as ServerResponse);
  return stream;
};
const endOfTurn = () => new Promise((resolve) => setImmediate(resolve));

test('each worker hears once a turn how many came in, and of none of them again', async () => {
  const notifier = new WorkNotifier();
  notifier.notify(7); // nobody listens yet
  const workers = [attach(notifier), attach(notifier)];
  notifier.notify(3);
  notifier.notify(40);
  await endOfTurn();
  notifier.notify(0);
  await endOfTurn();
  notifier.close();
  for (const worker of workers) expect(String(worker.read())).toBe('43\n0\n');
});
