/**
 * `npm run import -- FILE`: sends a Shopify product file to the running shop, as its owner.
 *
 * The shop reads the file while it arrives, so the bar shows what has been taken, not what was
 * merely sent. The owner's password comes from the shop's own secrets, or from the environment.
 */
import { createReadStream, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { Readable, Transform } from 'node:stream';
import { SingleBar } from 'cli-progress';
import { Command } from 'commander';
import { request } from 'undici';
import type { ImportReport } from '../src/api/admin-product.ts';

const remarksShownMax = 50;
const answerMsMax = 300_000;

interface Options {
  readonly url?: string;
  readonly home: string;
}

const program = new Command('import')
  .description('import a Shopify product file into the running shop')
  .argument('<file>', 'a product file: CSV')
  .option('--url <url>', 'the shop, e.g. https://shop.example (default: this machine, PORT)')
  .option(
    '--home <folder>',
    'the data of the shop, for the password of its owner',
    process.env['DOORBUSTER_HOME'] ?? path.join(import.meta.dirname, '..', '.doorbuster'),
  )
  .action(main);

class Refusal extends Error {}

async function main(file: string, options: Options): Promise<void> {
  const url = options.url ?? `http://localhost:${process.env['PORT'] ?? 8080}`;
  const cookie = await signIn(url, ownerPassword(options.home));
  const report = await send(url, cookie, file);
  const { created, updated, rows, errors, warnings } = report;
  console.log(`${rows} rows: ${created} products created, ${updated} updated`);
  print('not imported', errors);
  print('imported with a change', warnings);
  if (errors.length > 0) process.exitCode = created + updated > 0 ? 2 : 1;
}

function print(heading: string, remarks: ImportReport['errors']): void {
  if (remarks.length > 0) console.log(`${heading}:`);
  for (const { row, column, message } of remarks.slice(0, remarksShownMax)) {
    console.log(`  row ${row}${column === '' ? '' : `, ${column}`}: ${message}`);
  }
  const more = remarks.length - remarksShownMax;
  if (more > 0) console.log(`  and ${more} more`);
}

function ownerPassword(home: string): string {
  const given = process.env['DOORBUSTER_OWNER_PASSWORD'];
  if (given !== undefined && given !== '') return given;
  const file = path.join(home, 'secrets.json');
  try {
    return JSON.parse(readFileSync(file, 'utf8')).ownerPassword;
  } catch {
    throw new Refusal(`${file} cannot be read: set DOORBUSTER_OWNER_PASSWORD or --home`);
  }
}

/** The session cookie. */
async function signIn(url: string, password: string): Promise<string> {
  const answer = await request(`${url}/api/sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: 'owner@localhost', password }),
  }).catch((error: Error) => {
    throw new Refusal(`no shop answers at ${url}: ${error.message}`);
  });
  const body = await answer.body.text();
  const cookies = [answer.headers['set-cookie'] ?? []].flat();
  const session = cookies.find((cookie) => cookie.startsWith('session='))?.split(';')[0];
  if (session === undefined) throw new Refusal(`the shop refused the owner: ${titleOf(body)}`);
  return session;
}

async function send(url: string, cookie: string, file: string): Promise<ImportReport> {
  const bytes = statSync(file, { throwIfNoEntry: false })?.size;
  if (bytes === undefined) throw new Refusal(`there is no file ${file}`);
  const bar = new SingleBar({
    format: '{bar} {percentage}% of {size}, {duration_formatted}',
    barsize: 30,
    noTTYOutput: false,
  });
  bar.start(Math.max(1, bytes), 0, { size: sizeOf(bytes) });
  const counted = new Transform({
    transform(part: Buffer, _encoding, done) {
      bar.increment(part.length);
      done(null, part);
    },
  });
  try {
    const answer = await request(`${url}/api/admin/products/import`, {
      method: 'POST',
      headers: { 'content-type': 'text/csv', 'content-length': String(bytes), cookie },
      body: Readable.from(createReadStream(file).pipe(counted), { objectMode: false }),
      headersTimeout: answerMsMax,
    });
    const body = await answer.body.text();
    if (answer.statusCode !== 200) throw new Refusal(`the shop refused it: ${titleOf(body)}`);
    return JSON.parse(body);
  } finally {
    bar.stop();
  }
}

function sizeOf(bytes: number): string {
  return bytes < 1_000_000 ? `${Math.ceil(bytes / 1_000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** What a problem document says, or the text as it is. */
function titleOf(body: string): string {
  try {
    const { title, detail } = JSON.parse(body);
    return [title, detail].filter((part) => typeof part === 'string').join(': ');
  } catch {
    return body.slice(0, 200);
  }
}

try {
  await program.parseAsync();
} catch (error) {
  console.error(error instanceof Refusal ? error.message : error);
  process.exitCode = 1;
}
