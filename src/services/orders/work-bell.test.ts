import type { ServerResponse } from 'node:http';
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { WorkBell } from './work-bell.ts';

const attach = (bell: WorkBell): PassThrough => {
  const stream = new PassThrough();
  bell.attach(stream as unknown as ServerResponse);
  return stream;
};
const endOfTurn = () => new Promise((resolve) => setImmediate(resolve));

test('each worker hears once a turn how many came in, and of none of them again', async () => {
  const bell = new WorkBell();
  bell.ring(7); // nobody listens yet
  const workers = [attach(bell), attach(bell)];
  bell.ring(3);
  bell.ring(40);
  await endOfTurn();
  bell.ring(0);
  await endOfTurn();
  bell.close();
  for (const worker of workers) expect(String(worker.read())).toBe('43\n0\n');
});
