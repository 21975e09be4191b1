/**
 * Runs `work` for each item, at most `atOnce` at a time. After a failure no other item is begun;
 * the first error is thrown when everything that was begun has ended.
 */
export async function sideBySide<T>(
  items: Iterable<T>,
  atOnce: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = items[Symbol.iterator]();
  const errors: unknown[] = [];
  const run = async (): Promise<void> => {
    for (let next = queue.next(); next.done !== true; next = queue.next()) {
      if (errors.length > 0) return;
      await work(next.value).catch((error: unknown) => errors.push(error));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, run));
  if (errors.length > 0) throw errors[0];
}
