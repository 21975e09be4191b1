import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { placeInLine, soldOutLine, soldOutProblem, tooLong, waitSeconds } from './admission.ts';

const figures = { oldestAgeSeconds: 0, arrivalsPerSecond: 0, depth: 0, head: 1 };
const queue = (depth: number, servicePerSecond: number, head = 1) => {
  return { ...figures, depth, head, servicePerSecond };
};

describe('sold out at the door', () => {
  const stock = new Map([
    ['GONE', { available: 0 }],
    ['FEW', { available: 2 }],
  ]);
  const soldOut = (sku: string) => stock.get(sku) ?? null;
  const line = (sku: string, quantity = 1) => ({ sku, quantity });

  it('is the first line of which nothing is left', () => {
    const lines = [line('FEW'), line('GONE'), line('UNHEARD-OF')];
    expect(soldOutLine(lines, soldOut)).toEqual({ sku: 'GONE', available: 0 });
  });

  it('is nothing that the queue may still decide otherwise', () => {
    expect(soldOutLine([line('FEW', 3), line('UNHEARD-OF')], soldOut)).toBeNull();
  });

  it('is told as a conflict with what is left', () => {
    const { body } = soldOutProblem({ sku: 'GONE', available: 0 });
    expect(body).toMatchObject({ status: 409, sku: 'GONE', available: 0 });
    expect(body.type).toMatch(/\/sold-out$/);
  });
});

describe('a queue that is too long', () => {
  it('is one that would make a checkout wait longer than is promised', () => {
    expect(tooLong(queue(20_000, 1_000), 20)).toBeNull();
    const { body, headers } = tooLong(queue(20_001, 1_000), 20) ?? { body: null, headers: {} };
    expect(body).toMatchObject({ status: 503, queueDepth: 20_001 });
    expect(headers).toEqual({ 'retry-after': '1' });
  });

  it('is not judged where nothing was measured yet', () => {
    expect(tooLong(null, 20)).toBeNull();
  });

  it('says when to come again, within a minute', () => {
    expect(tooLong(queue(50_000, 1_000), 20)?.headers).toEqual({ 'retry-after': '30' });
    expect(tooLong(queue(1_000_000, 1_000), 20)?.headers).toEqual({ 'retry-after': '60' });
  });

  it('is not concluded from a shop that merely had nothing to do', () => {
    expect(waitSeconds(queue(50, 0))).toBe(0.5);
    expect(tooLong(queue(1_500, 0), 20)).toBeNull();
  });
});

describe('a place in line', () => {
  it('counts from the head of the queue', () => {
    expect(placeInLine(1_041, queue(5_000, 1_000, 1_041))).toEqual({ position: 1, etaSeconds: 1 });
    expect(placeInLine(3_540, queue(5_000, 1_000, 1_041))).toEqual({
      position: 2_500,
      etaSeconds: 3,
    });
  });

  it('is the first where nothing was measured yet, or its turn has come', () => {
    expect(placeInLine(7, null)).toEqual({ position: 1, etaSeconds: 1 });
    expect(placeInLine(7, queue(0, 1_000, 900))).toEqual({ position: 1, etaSeconds: 1 });
  });

  it('comes nearer as the queue moves', () => {
    const places = fc.tuple(fc.nat(), fc.nat(), fc.nat({ max: 20_000 }));
    const property = fc.property(places, fc.nat(), ([head, ahead, rate], moved) => {
      const seq = head + ahead;
      const before = placeInLine(seq, queue(ahead, rate, head));
      const after = placeInLine(seq, queue(ahead, rate, head + moved));
      expect(after.position).toBeLessThanOrEqual(before.position);
      expect(after.etaSeconds).toBeLessThanOrEqual(before.etaSeconds);
      expect(after.position).toBeGreaterThanOrEqual(1);
    });
    fc.assert(property);
  });
});
