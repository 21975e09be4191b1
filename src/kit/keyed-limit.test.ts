import { expect, test } from 'vitest';
import { KeyedLimit } from './keyed-limit.ts';

const refusal = () => new Error('no more may wait');

/** Work that ends when the test says so. */
function startWork(limit: KeyedLimit, key: string) {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const work = { isRunning: false, finish: resolve, fail: reject, done: Promise.resolve() };
  work.done = limit.run(key, () => {
    work.isRunning = true;
    return promise;
  });
  return work;
}

test('lets so many run for a key, the others in turn, and turns the rest away', async () => {
  const limit = new KeyedLimit({ runningMax: 2, waitingMax: 2, refusal });
  const works = [1, 2, 3, 4].map(() => startWork(limit, 'a'));
  const running = () => works.map(({ isRunning }) => isRunning);
  await expect.poll(running).toEqual([true, true, false, false]);
  await expect(limit.run('a', async () => {})).rejects.toThrow('no more may wait');
  expect(await limit.run('b', async () => 'another key')).toBe('another key');
  works[1]?.finish();
  await works[1]?.done;
  await expect.poll(running).toEqual([true, true, true, false]);
  for (const work of works) work.finish();
  await Promise.all(works.map(({ done }) => done));
  expect(limit.size).toBe(0);
});

test('a failure frees the place', async () => {
  const limit = new KeyedLimit({ runningMax: 1, waitingMax: 1, refusal });
  const [first, second] = [startWork(limit, 'a'), startWork(limit, 'a')];
  first.fail(new Error('broken'));
  await expect(first.done).rejects.toThrow('broken');
  await expect.poll(() => second.isRunning).toBe(true);
  second.finish();
  await second.done;
});
