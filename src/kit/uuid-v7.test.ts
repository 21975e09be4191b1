import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { uuidTime, uuidV7 } from './uuid-v7.ts';

/** Later than any test before it: ids of one process never go back. */
let clock = 1_900_000_000_000;
const later = (ms = 10_000): number => {
  clock += ms;
  return clock;
};

describe('a UUIDv7', () => {
  it('has the form, the version and the variant of RFC 9562', () => {
    const form = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
    for (let each = 0; each < 2_000; each += 1) expect(uuidV7(later(1))).toMatch(form);
  });

  it('contains its time', () => {
    const now = later();
    expect(uuidTime(uuidV7(now))).toBe(now);
  });

  it('grows: within a millisecond, past its counter’s end, and when the clock goes back', () => {
    const now = later();
    const ids = Array.from({ length: 10_000 }, () => uuidV7(now));
    const back = uuidV7(now - 5_000);
    const all = [...ids, back, uuidV7(now + 10)];
    expect(all).toEqual(all.toSorted());
    expect(new Set(all).size).toBe(all.length);
    expect(uuidTime(ids.at(-1) ?? '')).toBe(now + 2); // 4,096 a millisecond, then borrowed
  });

  it('grows whatever the clock does', () => {
    const steps = fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 1 });
    const property = fc.property(steps, (jumps) => {
      let now = later();
      const ids = jumps.map((jump) => {
        now += jump;
        return uuidV7(now);
      });
      expect(ids).toEqual(ids.toSorted());
      expect(new Set(ids).size).toBe(ids.length);
    });
    fc.assert(property);
  });

  it('is random in all 62 bits behind its counter', () => {
    let ones = new Array<number>(62).fill(0);
    const samples = 4_000;
    for (let each = 0; each < samples; each += 1) {
      const random = BigInt(`0x${uuidV7(later(1)).slice(19).replaceAll('-', '')}`);
      ones = ones.map((count, bit) => count + Number((random >> BigInt(bit)) & 1n));
    }
    // six standard deviations of a fair coin
    const slack = 6 * Math.sqrt(samples / 4);
    for (const count of ones) expect(Math.abs(count - samples / 2)).toBeLessThan(slack);
  });

  it('has a variant that says nothing of the bits beside it', () => {
    const seen = new Set<string>();
    for (let each = 0; each < 4_000; each += 1) seen.add(uuidV7(later(1)).slice(19, 21));
    expect(seen.size).toBe(4 * 16);
  });
});
