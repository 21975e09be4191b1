import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeSurrogates } from './surrogates.ts';

const answer = (key: string, version: string) => ({
  'surrogate-key': key,
  'surrogate-version': version,
});

describe('a page made from several answers', () => {
  it('has the keys of all of them', () => {
    expect(mergeSurrogates([answer('product-1', '7'), answer('listing', '31')])).toEqual(
      answer('product-1 listing', '7 31'),
    );
  });

  it('has the oldest version of each key, in any order of the answers', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(), { minLength: 1 }), (versions) => {
        const merged = mergeSurrogates(versions.map((each) => answer('listing', String(each))));
        expect(merged).toEqual(answer('listing', String(Math.min(...versions))));
      }),
    );
  });

  it('may not be cached when one of them names no keys, or not their versions', () => {
    expect(mergeSurrogates([answer('listing', '31'), {}])).toBeNull();
    expect(mergeSurrogates([answer('listing product-1', '31')])).toBeNull();
    expect(mergeSurrogates([answer('listing', 'soon')])).toBeNull();
    expect(mergeSurrogates([])).toBeNull();
  });
});
