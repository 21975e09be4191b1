import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cleanHandle, firstFree, handleFrom, skuFrom } from './handle.ts';

describe('a handle', () => {
  it('is made of the letters and digits of a title', () => {
    expect(handleFrom('Crème Brûlée, 2 pcs.')).toBe('creme-brulee-2-pcs');
    expect(handleFrom("Dog's Ball")).toBe('dogs-ball');
    expect(handleFrom('!!!')).toBe('');
  });

  it('is kept as given when it is fit for an address', () => {
    expect(cleanHandle(' teddy_bear.2 ')).toBe('teddy_bear.2');
    expect(cleanHandle('Teddy Bear/2')).toBe('teddy-bear-2');
  });

  it('that is very long stays apart from others that begin alike', () => {
    const handles = ['a', 'b'].map((end) => cleanHandle(`${'x'.repeat(300)}-${end}`));
    expect(new Set(handles).size).toBe(2);
    expect(handles.map((handle) => handle.length)).toEqual([255, 255]);
    expect(cleanHandle('x'.repeat(255))).toBe('x'.repeat(255));
  });

  it('is the same however often it is cleaned, and needs no escaping but for letters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), (text) => {
        for (const handle of [cleanHandle(text), handleFrom(text)]) {
          expect(cleanHandle(handle)).toBe(handle);
          expect(handle).toMatch(/^[\p{L}\p{N}._~-]*$/u);
          expect(handle.length).toBeLessThanOrEqual(255);
        }
      }),
    );
  });
});

describe('a SKU that was missing', () => {
  it('is made from handle and options', () => {
    expect(skuFrom('teddy-bear', ['Extra Large', 'Red'])).toBe('TEDDY-BEAR-EXTRA-LARGE-RED');
  });

  it('takes the first free number where it is taken', () => {
    const taken = new Set(['A', 'A-2']);
    expect(firstFree('A', (sku) => taken.has(sku))).toBe('A-3');
    expect(firstFree('B', (sku) => taken.has(sku))).toBe('B');
  });
});
