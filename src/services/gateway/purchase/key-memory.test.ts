import { describe, expect, it } from 'vitest';
import { KeyMemory } from './key-memory.ts';

const key = (n: number): string => `${String(n).padStart(8, '0')}-0000-0000-0000-${n}23456789012`;
const idAt = (n: number): string => `01a1f90f-6208-7000-bfc2-${String(n).padStart(12, '0')}`;

describe('the memory of accepted keys', () => {
  it('is incomplete until every stream is live and the old keys are loaded', async () => {
    const memory = new KeyMemory(async () => ({ keys: [], last: idAt(0) }));
    expect(memory.neverAccepted(key(1))).toBe(false);
    await memory.streamsLive();
    expect(memory.neverAccepted(key(1))).toBe(true);
  });

  it('knows the loaded and the announced keys, and no others', async () => {
    const pages = [[key(1), key(2)], [key(3)], []];
    const memory = new KeyMemory(async () => ({ keys: pages.shift() ?? [], last: idAt(9) }));
    await memory.streamsLive();
    memory.add([key(4)]);
    const unknown = [1, 2, 3, 4, 5].filter((n) => memory.neverAccepted(key(n)));
    expect(unknown).toEqual([5]);
  });

  it('is incomplete when a stream is lost, also while it loads', async () => {
    let load: (page: { keys: string[]; last: string }) => void = () => {};
    const memory = new KeyMemory(() => new Promise((resolve) => (load = resolve)));
    const live = memory.streamsLive();
    memory.streamLost();
    load({ keys: [], last: idAt(0) });
    await live;
    expect(memory.neverAccepted(key(1))).toBe(false);
  });
});
