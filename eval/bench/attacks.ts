/**
 * `npm run bench -- attacks`: attacks on a whole shop, one after another, and beside each one
 * honest buyer a second. Attacker and shop share this machine's processors: what an attack takes
 * from the honest buyer, its own sending takes too.
 */
import { cpus, loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Attack } from '../attacks/attack.ts';
import { attacks, attacksOnWaitingRoom } from '../attacks/attack-list.ts';
import { AttackedShop, type Outcome } from '../attacks/attacked-shop.ts';
import { type HonestKind, isServed } from '../attacks/honest-buyer.ts';
import { Latencies } from '../load/latencies.ts';
import { writeBenchReport } from './write-bench-report.ts';

const promisedMs = 1_000;
const warmUpSeconds = 5;
const calmMsMax = 60_000;
const lookMs = 500;
const kinds: readonly HonestKind[] = ['purchase', 'page', 'sign-in'];
/** Visitors a second. */
const waitingRoomRate = '5';

const head = [
  '| attack | purchase p50/p95/max | page | sign-in | not served | holds | answers | load |',
  '|---|---|---|---|---|---|---|---|',
];

function row({ attack, honest, answers }: Outcome): string {
  const figures = kinds.map((kind) => {
    const latencies = new Latencies();
    for (const each of honest) if (each.kind === kind) latencies.add(each.milliseconds);
    const texts = [0.5, 0.95, 1].map((share) => latencies.percentile(share).toFixed(0));
    return { texts: texts.join('/'), p95: latencies.percentile(0.95) };
  });
  const failures = honest.filter((each) => !isServed(each));
  const holds = failures.length === 0 && figures.every(({ p95 }) => p95 <= promisedMs);
  const cells = [
    attack,
    ...figures.map(({ texts }) => texts),
    failures.map(({ kind, status }) => `${kind} ${status}`).join(', ') || 0,
    holds ? 'yes' : 'NO',
    Object.entries(answers).map(([status, count]) => `${count} × ${status}`),
    loadavg()[0]?.toFixed(1),
  ];
  return `| ${cells.join(' | ')} |`;
}

async function allDecided(shop: AttackedShop): Promise<void> {
  const until = Date.now() + calmMsMax;
  while (Date.now() < until && (await shop.undecided()) > 0) await sleep(lookMs);
}

async function run(
  list: readonly Attack[],
  seconds: number,
  env: Readonly<Record<string, string>>,
): Promise<string[]> {
  const shop = await AttackedShop.start(env);
  const lines: string[] = [];
  try {
    await shop.attack(null, warmUpSeconds);
    for (const attack of [null, ...list]) {
      const line = row(await shop.attack(attack, seconds));
      console.log(line);
      lines.push(line);
      await allDecided(shop);
    }
    const { holds } = await shop.integrity();
    lines.push(`| (integrity report afterwards) | | | | | ${holds ? 'yes' : 'NO'} | | |`);
  } finally {
    await shop.stop();
  }
  return lines;
}

export async function benchAttacks(seconds: number, named: string): Promise<void> {
  const wanted = (list: readonly Attack[]) => list.filter(({ name }) => name.includes(named));
  const lines: string[] = [];
  const [open, behindRoom] = [wanted(attacks), wanted(attacksOnWaitingRoom)];
  if (open.length > 0) lines.push(...(await run(open, seconds, {})));
  if (behindRoom.length > 0) {
    const env = { DOORBUSTER_WAITING_ROOM_RATE: waitingRoomRate };
    lines.push(...(await run(behindRoom, seconds, env)));
  }
  writeBenchReport('attacks', [
    '# Attacks, and one honest buyer a second beside each',
    '',
    `${new Date().toISOString()}, ${cpus().length} processors, each attack ${seconds} s. ` +
      `Milliseconds. Holds: everything served, p95 of each kind at most ${promisedMs} ms.`,
    '',
    ...head,
    ...lines,
  ]);
}
