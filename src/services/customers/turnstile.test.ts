import { expect, test } from 'vitest';
import { Turnstile } from './turnstile.ts';

/** Work that ends when the test says so. */
function startWork(turnstile: Turnstile) {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const work = { isInside: false, finish: resolve, fail: reject, done: Promise.resolve() };
  work.done = turnstile.run(() => {
    work.isInside = true;
    return promise;
  });
  return work;
}

test('lets so many in at once, the others in turn, and turns the rest away', async () => {
  const turnstile = new Turnstile(2, 2);
  const works = [1, 2, 3, 4].map(() => startWork(turnstile));
  const inside = () => works.map(({ isInside }) => isInside);
  expect(inside()).toEqual([true, true, false, false]);
  await expect(turnstile.run(async () => {})).rejects.toMatchObject({ body: { status: 503 } });
  works[1]?.finish();
  await works[1]?.done;
  await expect.poll(inside).toEqual([true, true, true, false]);
  for (const work of works) work.finish();
  await Promise.all(works.map(({ done }) => done));
  expect(await turnstile.run(async () => 'free again')).toBe('free again');
});

test('a failure frees the place', async () => {
  const turnstile = new Turnstile(1, 1);
  const [first, second] = [startWork(turnstile), startWork(turnstile)];
  first.fail(new Error('broken'));
  await expect(first.done).rejects.toThrow('broken');
  await expect.poll(() => second.isInside).toBe(true);
  second.finish();
  await second.done;
});
