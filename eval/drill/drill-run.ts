/** One drill from start to verdict: a fresh shop, a crowd, faults, recovery, judgement. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ClusterDiary, type DiaryEntry } from './cluster-diary.ts';
import { Crowd } from './crowd.ts';
import { DrilledShop } from './drilled-shop.ts';
import type { FaultMark, Say } from './fault-run.ts';
import type { PurchaseRecord } from './purchase-record.ts';
import { type Standstill, Standstills } from './standstills.ts';
import { judge, type Verdict } from './verdict.ts';

export interface DrillPlan {
  /** In kebab-case; names the report. */
  readonly name: string;
  readonly title: string;
  readonly seed: number;
  readonly ratePerSecond: number;
  readonly withNetwork: boolean;
  readonly env: Readonly<Record<string, string>>;
  /** Reasons for rejection that the faults of this plan excuse. */
  readonly excused: readonly string[];
  /** Inflicts the faults while the crowd shops. */
  readonly during: (shop: DrilledShop, say: Say) => Promise<readonly FaultMark[]>;
}

export interface DrillResult {
  readonly name: string;
  readonly title: string;
  readonly seed: number;
  readonly ratePerSecond: number;
  /** The crowd's arrivals, milliseconds since the Unix epoch. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly purchases: readonly PurchaseRecord[];
  readonly marks: readonly FaultMark[];
  readonly diary: readonly DiaryEntry[];
  readonly standstills: readonly Standstill[];
  readonly verdict: Verdict;
}

const warmUpMs = 3_000;

/** `keepAlways`: leave the shop's home where it is, also where nothing is wrong. */
export async function runDrill(
  plan: DrillPlan,
  say: Say,
  keepAlways = false,
): Promise<DrillResult> {
  const { withNetwork, env, seed, ratePerSecond, excused } = plan;
  const shop = await DrilledShop.start({ withNetwork, env });
  let crowd: Crowd | null = null;
  let diary: ClusterDiary | null = null;
  const standstills = new Standstills();
  let keepHome = true; // evidence, until all is proved well
  try {
    const assortment = await shop.stock();
    diary = new ClusterDiary(shop.home);
    crowd = new Crowd({
      url: shop.url,
      seed,
      assortment,
      ratePerSecond,
      inTurn: false,
      purchasesMax: Number.MAX_SAFE_INTEGER,
    });
    const startedAt = Date.now();
    await sleep(warmUpMs);
    const marks = await plan.during(shop, say);
    const endedAt = Date.now();
    standstills.close();
    crowd.close();
    const purchases = await crowd.records();
    say(`${purchases.length} purchases; waiting for rest, then comparing everything`);
    const verdict = await judge(shop, purchases, { excused });
    keepHome = keepAlways || !verdict.isClean;
    const { name, title } = plan;
    const times = { startedAt, endedAt };
    const seen = { purchases, marks, diary: diary.entries, verdict };
    const still = standstills.since(startedAt);
    return { name, title, seed, ratePerSecond, ...times, ...seen, standstills: still };
  } catch (error) {
    crowd?.kill();
    throw error;
  } finally {
    diary?.close();
    standstills.close();
    if (keepHome) say(`what the shop left behind is kept in ${shop.home}`);
    await shop.stop(keepHome);
  }
}
