/**
 * Every attack, in short, on a whole shop with its limits on: beside each an honest buyer comes
 * every second and is served. How soon is for `npm run bench -- attacks` to measure.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Answers, Attack } from '../../eval/attacks/attack.ts';
import { attacks, attacksOnWaitingRoom } from '../../eval/attacks/attack-list.ts';
import { AttackedShop } from '../../eval/attacks/attacked-shop.ts';
import { isServed } from '../../eval/attacks/honest-buyer.ts';

const seconds = 2;
const visitorsPerSecond = 5;

let shop: AttackedShop;
let processes: readonly string[];

function useShop(env: Readonly<Record<string, string>>): void {
  beforeAll(async () => {
    shop = await AttackedShop.start(env);
    processes = shop.processes();
  });
  afterAll(async () => {
    expect(await shop.stop()).toBe(0);
  });
}

async function expectHonestAreServed(attack: Attack): Promise<Answers> {
  const { honest, answers } = await shop.attack(attack, seconds);
  expect(honest).toHaveLength(3 * seconds);
  expect(honest.filter((each) => !isServed(each))).toEqual([]);
  expect(Object.keys(answers)).not.toEqual([]);
  expect(shop.processes()).toEqual(expect.arrayContaining([...processes]));
  expect(shop.defects()).toEqual([]);
  return answers;
}

async function expectBooksHold(): Promise<void> {
  const { holds, invariants } = await shop.integrity();
  expect(invariants.filter((each) => !each.holds)).toEqual([]);
  expect(holds).toBe(true);
}

describe('a shop', () => {
  useShop({});

  it.each(attacks)('serves honest buyers beside: $name', async (attack) => {
    await expectHonestAreServed(attack);
  });

  it('has books that hold afterwards', async () => {
    await expectBooksHold();
  });
});

describe('a shop with a waiting room', () => {
  useShop({ DOORBUSTER_WAITING_ROOM_RATE: String(visitorsPerSecond) });

  it.each(attacksOnWaitingRoom)('lets in no more than it should: $name', async (attack) => {
    const startedAt = performance.now();
    const answers = await expectHonestAreServed(attack);
    const passedSeconds = (performance.now() - startedAt) / 1_000;
    expect(answers[503]).toBeGreaterThan(0);
    expect(answers[201] ?? 0).toBeLessThanOrEqual(visitorsPerSecond * (passedSeconds + 1));
  });

  it('has books that hold afterwards', async () => {
    await expectBooksHold();
  });
});
