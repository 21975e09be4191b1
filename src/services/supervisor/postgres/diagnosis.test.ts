import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Publication } from '../../../replication/action.ts';
import { watchService } from './diagnosis.ts';
import type { Trio } from './trio.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A trio of one node whose reason is another at each look. */
class PlayedTrio {
  publication: Publication = { leader: 'pg-1', followers: ['pg-2'] };
  readonly leadership = { epoch: 3, leader: 'pg-1', voters: [], sealed: true };
  readonly registerFile = '/home/pg/leadership.json';
  looks = 0;
  readonly members = new Map([
    [
      'pg-1',
      {
        task: null,
        stepError: null,
        probe: { answer: null },
        node: {
          id: 'pg-1',
          running: null,
          data: () => ({ kind: 'leader' }),
          failureReason: () => `could not read block ${this.looks++}`,
        },
      },
    ],
  ]);
}

test('A database that takes no orders is reported after six seconds, then ever more seldom', () => {
  const trio = new PlayedTrio();
  const said: string[] = [];
  const stop = watchService(trio as unknown as Trio, (sentence) => said.push(sentence));
  vi.advanceTimersByTime(60_000);
  expect(said).toEqual([]);
  trio.publication = { leader: null, followers: [] };
  vi.advanceTimersByTime(5_000);
  expect(said).toEqual([]);
  vi.advanceTimersByTime(2_000);
  expect(said).toHaveLength(1);
  expect(said[0]).toMatch(/pg-1 \(the leader, not running: could not read block \d+\)/);
  expect(said[0]).toContain('npm run restore');
  vi.advanceTimersByTime(600_000);
  expect(said.length).toBeGreaterThan(3);
  expect(said.length).toBeLessThan(9);
  trio.publication = { leader: 'pg-1', followers: ['pg-2'] };
  vi.advanceTimersByTime(1_000);
  expect(said.at(-1)).toBe('the database takes orders again');
  stop();
});
