/**
 * `npm run audit`: the invariants of the running shop of DOORBUSTER_HOME, as it says them itself.
 * Exit code 1 when one does not hold, 2 when the shop cannot be asked.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { IntegrityReport } from '../src/api/integrity.ts';
import type { Secrets } from './cluster/running-shop.ts';
import { ShopClient } from './cluster/shop-client.ts';

const columnsMax = 96;

class NotAsked extends Error {
  override readonly name = 'NotAsked';
}

function readOwnerPassword(home: string): string {
  const file = path.join(home, 'secrets.json');
  try {
    return (JSON.parse(readFileSync(file, 'utf8')) as Secrets).ownerPassword;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') {
      throw new NotAsked(`There is no shop in ${home}. Start one with: npm start`);
    }
    if (code === 'EACCES') throw new NotAsked(`${file} belongs to another user.`);
    throw error;
  }
}

/** The port of the supervisor that holds this home, unless PORT says another. */
function portOf(home: string): number {
  const wanted = process.env['PORT'];
  if (wanted !== undefined && wanted !== '') return Number(wanted);
  try {
    const file = path.join(home, 'run', 'supervisor.json');
    return (JSON.parse(readFileSync(file, 'utf8')) as { port: number }).port;
  } catch {
    return 8_080; // no supervisor: the services may still be there, at the usual port
  }
}

async function askShop(home: string): Promise<IntegrityReport> {
  const password = readOwnerPassword(home);
  const url = `http://127.0.0.1:${portOf(home)}`;
  const owner = new ShopClient(url);
  try {
    await owner.signIn('owner@localhost', password);
  } catch (error) {
    if (error instanceof TypeError) {
      throw new NotAsked(`Nothing answers at ${url}. Start the shop with: npm start`);
    }
    throw new NotAsked(`${url} did not let the owner in: ${(error as Error).message}`);
  }
  const { status, body } = await owner.call<IntegrityReport>('/api/admin/integrity');
  if (status !== 200) throw new NotAsked(`The shop could not audit itself (status ${status}).`);
  return body;
}

function describe({ holds, invariants }: IntegrityReport): string {
  const lines = invariants.flatMap((invariant) => {
    const figures = Object.entries(invariant.figures).map(([name, value]) => `${name} ${value}`);
    const shown = figures.length === 0 ? [] : [`         ${figures.join(', ')}`];
    const broken = invariant.violations.map((each) => `         ! ${each}`.slice(0, columnsMax));
    return [`${invariant.holds ? 'holds ' : 'BROKEN'}   ${invariant.name}`, ...shown, ...broken];
  });
  const broken = invariants.filter((each) => !each.holds).length;
  const verdict = holds ? 'Every invariant holds.' : `${broken} invariants do not hold.`;
  return `${lines.join('\n')}\n\n${verdict}\n`;
}

try {
  const report = await askShop(path.resolve(process.env['DOORBUSTER_HOME'] ?? '.doorbuster'));
  process.stdout.write(describe(report));
  process.exitCode = report.holds ? 0 : 1;
} catch (error) {
  if (!(error instanceof NotAsked)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}
