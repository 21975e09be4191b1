/**
 * A leader that hangs, is replaced, and wakes up: whatever it was asked to commit while it hung, it
 * must not acknowledge, unless its successor has it too. Asked directly, past every service.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { DrilledShop } from '../drill/drilled-shop.ts';
import { asSuperuser } from '../drill/superuser.ts';
import type { Fault } from './fault.ts';
import { leaderOf, signalAll } from './target.ts';

const hangMs = 4_000;
const awakeMs = 2_000;
const sessions = 8;

/** A session with the old leader: connected before it hangs, asked to commit while it hangs. */
interface Question {
  readonly ask: () => void;
  readonly acknowledged: Promise<boolean>;
}

async function openQuestion(shop: DrilledShop, id: number): Promise<Question> {
  const leader = await leaderOf(shop);
  let ask: () => void = () => {};
  const asked = new Promise<void>((resolve) => {
    ask = resolve;
  });
  return new Promise((opened, failed) => {
    const acknowledged = asSuperuser(leader, 'postgres', shop.superuser, async (su) => {
      await su.query('select 1');
      opened({ ask, acknowledged });
      await asked;
      await su.query('insert into drill_waking values ($1)', [id]);
      return true;
    }).catch((error) => {
      failed(error); // of no effect once it is open
      return false;
    });
  });
}

async function onLeader<R>(shop: DrilledShop, sql: string): Promise<R[]> {
  const leader = await leaderOf(shop);
  return asSuperuser(leader, 'postgres', shop.superuser, (su) => su.query<R>(sql));
}

export const wakingLeader: Fault = {
  name: 'waking-leader',
  sentence:
    `the leader hangs for ${hangMs / 1_000} s, is replaced, wakes up, ` +
    'and must acknowledge nothing',
  lastsMs: hangMs,
  async inflict(shop) {
    await onLeader(shop, 'create table if not exists drill_waking (id integer)');
    await onLeader(shop, 'truncate drill_waking');
    const ids = Array.from({ length: sessions }, (_, id) => id);
    const questions = await Promise.all(ids.map((id) => openQuestion(shop, id)));
    const old = await leaderOf(shop);
    const processes = shop.node(old.id);
    signalAll(processes, 'SIGSTOP');
    for (const { ask } of questions) ask();
    return async () => {
      signalAll(processes, 'SIGCONT');
      const late = sleep(awakeMs).then(() => false);
      const answers = await Promise.all(
        questions.map(({ acknowledged }) => Promise.race([acknowledged, late])),
      );
      const kept = await onLeader<{ id: number }>(shop, 'select id from drill_waking');
      const has = new Set(kept.map(({ id }) => id));
      const lost = ids.filter((id) => answers[id] === true && !has.has(id));
      if (lost.length === 0) return;
      throw new Error(`${old.id} woke up and acknowledged ${lost.length} writes that are lost`);
    };
  },
};
