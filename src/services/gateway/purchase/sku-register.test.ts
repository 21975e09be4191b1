import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SkuRegister } from './sku-register.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function open(sold: readonly string[]) {
  const asked: (readonly string[])[] = [];
  const catalog = { isDown: false };
  const register = new SkuRegister(async (skus) => {
    asked.push(skus);
    if (catalog.isDown) throw new Error('the catalog does not answer');
    return skus.filter((sku) => sold.includes(sku));
  });
  const firstUnknown = async (...skus: string[]): Promise<string | null> => {
    const answer = register.firstUnknown(skus);
    await vi.advanceTimersByTimeAsync(2);
    return answer;
  };
  return { register, asked, catalog, firstUnknown };
}

describe('the register of SKUs', () => {
  it('asks for an unseen SKU once, and for a known one never', async () => {
    const { register, asked, firstUnknown } = open(['BEAR-S']);
    expect(register.knowsAll([{ sku: 'BEAR-S' }])).toBe(false);
    expect(await firstUnknown('BEAR-S')).toBeNull();
    expect(register.knowsAll([{ sku: 'BEAR-S' }])).toBe(true);
    expect(await firstUnknown('BEAR-S')).toBeNull();
    expect(asked).toEqual([['BEAR-S']]);
  });

  it('names the first SKU that the shop does not sell, and asks again the next time', async () => {
    const { asked, firstUnknown } = open(['BEAR-S']);
    expect(await firstUnknown('BEAR-S', 'NO-1', 'NO-2')).toBe('NO-1');
    expect(await firstUnknown('NO-1')).toBe('NO-1');
    expect(asked).toEqual([['BEAR-S', 'NO-1', 'NO-2'], ['NO-1']]);
  });

  it('asks for those of many buyers together', async () => {
    const { register, asked } = open(['A', 'B']);
    const answers = [
      register.firstUnknown(['A']),
      register.firstUnknown(['A', 'B']),
      register.firstUnknown(['C', 'A']),
    ];
    await vi.advanceTimersByTimeAsync(2);
    expect(await Promise.all(answers)).toEqual([null, null, 'C']);
    expect(asked).toEqual([['A', 'B', 'C']]);
  });

  it('lets everyone in while the catalog cannot be asked, and remembers nothing of it', async () => {
    const { catalog, firstUnknown } = open([]);
    catalog.isDown = true;
    expect(await firstUnknown('NO-1')).toBeNull();
    catalog.isDown = false;
    expect(await firstUnknown('NO-1')).toBe('NO-1');
  });
});
