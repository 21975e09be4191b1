/**
 * `npm run bench -- elastic`: how the workers of a real shop follow a crowd that comes and goes.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { runForJson } from '../cluster/child-json.ts';
import { ClusterLog } from './elastic/cluster-log.ts';
import { beginOf, phasesFor } from './elastic/crowd.ts';
import type { CrowdLoad, CrowdResult } from './elastic/crowd-load.ts';
import { type Decision, type Evidence, findings, type Ledger } from './elastic/findings.ts';
import { html, markdown, verdicts } from './elastic/report.ts';
import { BenchShop, machine } from './purchases/bench-shop.ts';

const reports = path.resolve(import.meta.dirname, '../../reports');
const loadScript = path.join(import.meta.dirname, 'elastic/crowd-load.ts');
const paymentMs = 200;
/** So that one worker has a limit which two cores can multiply by ten. */
const paymentsInFlight = 10;
const ratePerWorker = paymentsInFlight / (paymentMs / 1_000);
const connections = 2_500;

const say = (text: string): void => void process.stdout.write(`${text}\n`);

export async function benchElastic(): Promise<void> {
  const bench = await BenchShop.start({
    DOORBUSTER_PAYMENT_LATENCY_MS: String(paymentMs),
    DOORBUSTER_PAYMENTS_IN_FLIGHT: String(paymentsInFlight),
  });
  try {
    const evidence = await watchCrowd(bench);
    const found = findings(evidence);
    const rows = verdicts(found, evidence);
    const facts = { machine: machine(), found, rows };
    mkdirSync(reports, { recursive: true });
    const text = markdown(facts, evidence);
    writeFileSync(path.join(reports, 'bench-elastic.md'), text);
    writeFileSync(path.join(reports, 'bench-elastic.html'), html(facts, evidence));
    say(`\n${text}\nsaved as reports/bench-elastic.md and .html`);
  } finally {
    await bench.stop();
  }
}

async function watchCrowd(bench: BenchShop): Promise<Evidence> {
  const { shop } = bench;
  const [sku = ''] = await bench.stock('ELASTIC', 1, 900_000);
  const phases = phasesFor(ratePerWorker);
  const total = phases.reduce((sum, { seconds }) => sum + seconds, 0);
  say(`${phases.map(({ name }) => name).join(', ')}: ${total} s`);
  const log = new ClusterLog(shop);
  const load: CrowdLoad = { port: shop.port, connections, phases, seed: 1, sku };
  const crowd = await runForJson<CrowdResult>(loadScript, load);
  const silence = phases.find(({ name }) => name === 'silence')?.seconds ?? 0;
  const end = crowd.startedAt + (beginOf(phases, 'silence') + silence) * 1_000;
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, end - Date.now())));
  log.close();
  return {
    phases,
    samples: log.samples,
    decisions: await bench.scalingDecisions<Decision>(),
    crowd,
    bootsMs: bootsOf(shop.home),
    ratePerWorker,
    ledger: await ledgerOf(bench),
  };
}

async function ledgerOf(bench: BenchShop): Promise<Ledger> {
  const [row = {}] = await bench.superuser(
    'orders',
    `select (select count(*) from checkouts) as accepted, (select count(*) from orders) as placed,
       (select count(*) from rejections) as rejected, (select count(*) from queue) as undecided`,
  );
  const file = path.join(bench.shop.home, 'payments', 'test-ledger.txt');
  const lines = readFileSync(file, 'utf8').split('\n');
  const captures = lines.filter((line) => line.startsWith('capture'));
  const keys = new Set(captures.map((line) => line.split(' ')[1]));
  return {
    accepted: Number(row['accepted']),
    placed: Number(row['placed']),
    rejected: Number(row['rejected']),
    undecided: Number(row['undecided']),
    captured: keys.size,
    askedAgain: captures.length - keys.size,
    auditClean: await bench.audit(),
  };
}

/** Milliseconds from decision to ready of every worker, as the supervisor wrote them down. */
function bootsOf(home: string): number[] {
  const lines = readFileSync(path.join(home, 'logs', 'supervisor.log'), 'utf8').split('\n');
  return lines
    .filter((line) => line.includes('"tookMs"') && line.includes('"worker-'))
    .map((line) => (JSON.parse(line) as { tookMs: number }).tookMs);
}
