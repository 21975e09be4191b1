import { describe, expect, it } from 'vitest';
import { StockBoard, type StockFigure } from './stock-board.ts';

/** A board, and a catalog that counts its requests. */
function open(...figures: readonly StockFigure[]) {
  const catalog = { isDown: false, isLive: true, figures: [...figures] };
  const asked: (readonly string[])[] = [];
  const board = new StockBoard(
    async (skus) => {
      asked.push(skus);
      if (catalog.isDown) throw new Error('the catalog does not answer');
      return catalog.figures.filter(({ sku }) => skus.includes(sku));
    },
    () => catalog.isLive,
  );
  return { board, asked, catalog };
}

const figure = (sku: string, available: number, version = 1) => ({ sku, available, version });

describe('which SKUs exist', () => {
  it('is asked once for an unseen SKU, and never for a known one', async () => {
    const { board, asked } = open(figure('BEAR-S', 5));
    expect(board.knowsAll([{ sku: 'BEAR-S' }])).toBe(false);
    expect(await board.firstUnknown(['BEAR-S'])).toBeNull();
    expect(board.knowsAll([{ sku: 'BEAR-S' }])).toBe(true);
    expect(await board.firstUnknown(['BEAR-S'])).toBeNull();
    expect(asked).toEqual([['BEAR-S']]);
  });

  it('names the first SKU that the shop does not sell, and asks again the next time', async () => {
    const { board, asked } = open(figure('BEAR-S', 5));
    expect(await board.firstUnknown(['BEAR-S', 'NO-1', 'NO-2'])).toBe('NO-1');
    expect(await board.firstUnknown(['NO-1'])).toBe('NO-1');
    expect(asked).toEqual([['BEAR-S', 'NO-1', 'NO-2'], ['NO-1']]);
  });

  it('is one request for many buyers', async () => {
    const { board, asked } = open(figure('A', 1), figure('B', 1));
    const answers = [
      board.firstUnknown(['A']),
      board.firstUnknown(['A', 'B']),
      board.firstUnknown(['C', 'A']),
    ];
    expect(await Promise.all(answers)).toEqual([null, null, 'C']);
    expect(asked).toEqual([['A', 'B', 'C']]);
  });

  it('is left to the reservation while the catalog does not answer', async () => {
    const { board, catalog } = open();
    catalog.isDown = true;
    expect(await board.firstUnknown(['NO-1'])).toBeNull();
    catalog.isDown = false;
    expect(await board.firstUnknown(['NO-1'])).toBe('NO-1');
  });

  it('does not change when the stream of changes breaks', async () => {
    const { board } = open(figure('BEAR-S', 5));
    await board.firstUnknown(['BEAR-S']);
    board.clear();
    expect(board.knowsAll([{ sku: 'BEAR-S' }])).toBe(true);
  });
});

describe('what is sold out', () => {
  it('is known from the answer by which the SKU is known to exist', async () => {
    const { board, asked } = open(figure('GONE', 0), figure('FEW', 2));
    await board.firstUnknown(['GONE', 'FEW']);
    expect(board.soldOut('GONE')).toEqual({ available: 0 });
    expect([board.soldOut('FEW'), board.soldOut('FEW', 3)]).toEqual([null, { available: 2 }]);
    expect(asked).toHaveLength(1);
  });

  it('comes from the stream, whose older figures do not replace newer ones', () => {
    const { board } = open();
    board.set(figure('A', 0, 2));
    board.set(figure('A', 7, 1));
    expect(board.soldOut('A')).toEqual({ available: 0 });
    board.set(figure('A', 7, 3));
    expect(board.soldOut('A')).toBeNull();
  });

  it('is not used without a live stream', () => {
    const { board, catalog, asked } = open();
    board.set(figure('A', 0));
    catalog.isLive = false;
    expect(board.soldOut('A')).toBeNull();
    expect(asked).toEqual([]);
  });

  it('is requested again after a break of the stream, once for all buyers', async () => {
    const { board, asked } = open(figure('A', 0, 9));
    board.set(figure('A', 3, 8));
    board.clear();
    expect([board.soldOut('A'), board.soldOut('A')]).toEqual([null, null]);
    await expect.poll(() => board.soldOut('A')).toEqual({ available: 0 });
    expect(asked).toEqual([['A']]);
  });

  it('is not taken from an answer that was requested before the break', async () => {
    const { board, catalog } = open(figure('A', 0, 9));
    const answer = board.firstUnknown(['A']);
    board.clear();
    await answer;
    catalog.isDown = true;
    expect(board.soldOut('A')).toBeNull();
  });
});
