import { describe, expect, it } from 'vitest';
import { uuidV7 } from '../../../kit/uuid-v7.ts';
import { OpenCheckouts } from './open-checkouts.ts';

const now = 1_800_000_000_000;
const openMsMax = 600_000;
const refused = { body: { status: 429 }, headers: { 'retry-after': '2' } };

function open() {
  const decided = new Set<string>();
  const asked: (readonly string[])[] = [];
  const checkouts = new OpenCheckouts(async (ids) => {
    asked.push(ids);
    return ids.filter((id) => decided.has(id));
  }, openMsMax);
  const enter = (client: string, count: number, units = 1): string[] => {
    const ids = Array.from({ length: count }, () => uuidV7(now));
    for (const id of ids) checkouts.enter(client, id, units);
    return ids;
  };
  return { checkouts, decided, asked, enter };
}

describe('what a client holds', () => {
  it('is bounded by its undecided checkouts, not by those of others', async () => {
    const { checkouts, enter } = open();
    enter('office', 49);
    expect(checkouts.seemsFull('office')).toBe(false);
    enter('office', 1);
    expect([checkouts.seemsFull('office'), checkouts.seemsFull('ada')]).toEqual([true, false]);
    expect(await checkouts.refuseIfFull('office', now)).toMatchObject(refused);
  });

  it('is bounded by the units that they reserve', async () => {
    const { checkouts, enter } = open();
    const [large] = enter('hoarder', 1, 100_000);
    expect(await checkouts.refuseIfFull('hoarder', now)).toMatchObject(refused);
    checkouts.leave('hoarder', large ?? '');
    checkouts.leave('hoarder', large ?? '');
    expect(checkouts.seemsFull('hoarder')).toBe(false);
  });

  it('is looked up before a refusal: what was decided meanwhile does not count', async () => {
    const { checkouts, decided, asked, enter } = open();
    const ids = enter('office', 50);
    decided.add(ids[7] ?? '');
    const both = [checkouts.refuseIfFull('office', now), checkouts.refuseIfFull('office', now)];
    expect(await Promise.all(both)).toEqual([null, null]);
    expect(asked).toEqual([ids]);
  });

  it('is looked up at most once a second', async () => {
    const { checkouts, asked, enter } = open();
    enter('office', 50);
    for (const later of [0, 10, 999, 1_000]) {
      expect(await checkouts.refuseIfFull('office', now + later)).toMatchObject(refused);
    }
    expect(asked).toHaveLength(2);
  });

  it('expires: a checkout older than the maximum does not count', async () => {
    const { checkouts, enter } = open();
    enter('office', 50);
    expect(await checkouts.refuseIfFull('office', now + openMsMax + 1)).toBeNull();
  });
});
