/**
 * `npm run bench -- encryption`: what TLS between the services and to the databases costs. Two
 * shops side by side, one plain and one encrypted inside; the crowd goes to one and then the other.
 */
import { median } from './median.ts';
import { BenchShop, machine } from './purchases/bench-shop.ts';
import { writeBenchReport } from './write-bench-report.ts';

export interface EncryptionBenchOptions {
  readonly seconds: number;
  readonly connections: number;
  readonly rounds: number;
}

interface Figures {
  readonly ordersPerSecond: number;
  /** CPU of the whole shop, without the load generator. */
  readonly cpuMicrosPerOrder: number;
}

const warmSeconds = 4;
const off = { DOORBUSTER_SCALING: 'off' };
const variants = {
  plain: { ...off, DOORBUSTER_INTERNAL_TLS: 'off' },
  encrypted: { ...off, DOORBUSTER_INTERNAL_TLS: 'on' },
} as const;

export async function benchEncryption({ seconds, connections, rounds }: EncryptionBenchOptions) {
  const shops: BenchShop[] = [];
  const open = async (env: Readonly<Record<string, string>>) => {
    const shop = await BenchShop.start(env);
    shops.push(shop);
    const skus = await shop.stock('SECRET', 1, 9_000_000);
    await shop.load({ connections, seconds: warmSeconds, skus });
    return async (): Promise<Figures> => {
      const { statuses, cpu, ordersPerSecond } = await shop.load({ connections, seconds, skus });
      const { 'load generator': _, ...ours } = cpu;
      const cpuSeconds = Object.values(ours).reduce((sum, each) => sum + each, 0);
      return { ordersPerSecond, cpuMicrosPerOrder: (cpuSeconds / (statuses[201] ?? 0)) * 1e6 };
    };
  };
  try {
    const measure = {
      plain: await open(variants.plain),
      encrypted: await open(variants.encrypted),
    };
    const rows: { plain: Figures; encrypted: Figures }[] = [];
    for (let round = 0; round < rounds; round += 1) {
      rows.push({ plain: await measure.plain(), encrypted: await measure.encrypted() });
    }
    const extra = median(
      rows.map(({ plain, encrypted }) => encrypted.cpuMicrosPerOrder / plain.cpuMicrosPerOrder - 1),
    );
    const slower = median(
      rows.map(({ plain, encrypted }) => 1 - encrypted.ordersPerSecond / plain.ordersPerSecond),
    );
    const audits: boolean[] = [];
    for (const shop of shops) audits.push(await shop.audit());
    const cell = ({ ordersPerSecond, cpuMicrosPerOrder }: Figures) =>
      `${Math.round(ordersPerSecond)} | ${Math.round(cpuMicrosPerOrder)}`;
    writeBenchReport('encryption', [
      '# What TLS inside the shop costs',
      '',
      `${machine()}; ${connections} buyers of one product, load generator on the same cores.`,
      '',
      '| round | plain, orders/s | µs of CPU an order | encrypted, orders/s | µs of CPU an order |',
      '|---|---|---|---|---|',
      ...rows.map(({ plain, encrypted }, index) => {
        return `| ${index + 1} | ${cell(plain)} | ${cell(encrypted)} |`;
      }),
      '',
      `Encryption costs ${(100 * extra).toFixed(0)} % more CPU an order and ` +
        `${(100 * slower).toFixed(0)} % of the orders/s (medians); ` +
        `audits ${audits.every(Boolean) ? 'clean' : 'BROKEN'}.`,
    ]);
  } finally {
    for (const shop of shops) await shop.stop();
  }
}
