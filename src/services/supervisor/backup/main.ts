/** `npm run backup -- FOLDER` of the shop; `npm run restore -- FOLDER` to an empty home. */
import path from 'node:path';
import { SingleBar } from 'cli-progress';
import { Command } from 'commander';
import { backUp } from './backup.ts';
import { copyBackup } from './copy-backup.ts';
import { LogArchiver } from './log-archiver.ts';
import type { OnProgress } from './manifest.ts';
import { reasonOf } from './reason.ts';
import { recoveryPoint } from './recovery.ts';
import { restore, verified } from './restore.ts';

const homeDefault = path.resolve(process.env['DOORBUSTER_HOME'] ?? '.doorbuster');
const format = '{bar} {percentage} % of {total} MB, {eta} s left';
/** What a fire may take of the log. */
const archiveEveryMs = 5_000;
const stopped = new AbortController();

/** A bar in megabytes, one after the other; silent where nobody watches. */
class Progress {
  readonly #bar = new SingleBar({ format, clearOnComplete: true, hideCursor: true });
  #total = -1;

  readonly show = (bytes: number, bytesTotal: number): void => {
    if (!process.stderr.isTTY) return;
    const [done, total] = [Math.round(bytes / 1e6), Math.round(bytesTotal / 1e6)];
    if (total !== this.#total) this.#bar.start(total, done);
    this.#total = total;
    this.#bar.update(done);
  };

  end(): void {
    if (this.#total >= 0) this.#bar.stop();
  }
}

async function makeBackup(target: string): Promise<void> {
  const progress = new Progress();
  const { signal } = stopped;
  const options = { home: homeDefault, target, now: new Date(), onProgress: progress.show, signal };
  const { at, files } = await backUp(options).finally(() => progress.end());
  const what = `${files.length} files, each with its checksum`;
  console.log(`The shop as of ${at} is in ${target}: ${what}. It holds secrets: keep it safe.`);
}

async function verifyBackup(source: string): Promise<void> {
  const progress = new Progress();
  const onProgress: OnProgress = (bytes, bytesTotal) => {
    stopped.signal.throwIfAborted();
    progress.show(bytes, bytesTotal);
  };
  const { at, files } = await verified(source, false, onProgress).finally(() => progress.end());
  console.log(`${source} is whole: all ${files.length} files are as they were on ${at}.`);
}

const program = new Command('doorbuster').description('Backups of the whole shop');
program
  .command('backup <folder>')
  .usage('[--verify] FOLDER')
  .description('copies the shop into an empty folder, while it sells or while it is stopped')
  .option('--verify', 'makes none: compares the one in the folder with its checksums')
  .addHelpText('after', '\nExit status: 0 done, 1 not done, with the reason.')
  .action(async (folder: string, { verify }: { verify?: boolean }) => {
    const place = path.resolve(folder);
    await (verify === true ? verifyBackup(place) : makeBackup(place));
  });
program
  .command('restore <folder>')
  .usage('[options] FOLDER')
  .description('makes a shop from a backup, in a home that holds none (DOORBUSTER_HOME)')
  .option('--unverified', 'accepts a backup of an earlier version, which has no checksums')
  .option(
    '--until <time>',
    'goes on through the archived log to that time (2026-11-27T18:00:00Z), or to its end: latest',
  )
  .addHelpText('after', '\nExit status: 0 done, 1 not done, with the reason. Nothing is left then.')
  .action(async (folder: string, options: { unverified?: boolean; until?: string }) => {
    const { unverified, until } = options;
    const progress = new Progress();
    const { at } = await restore({
      source: path.resolve(folder),
      home: homeDefault,
      acceptsUnverified: unverified === true,
      until: until === undefined ? undefined : recoveryPoint(until),
      onProgress: progress.show,
      signal: stopped.signal,
    }).finally(() => progress.end());
    const when = until === undefined ? at : `${until} (backup of ${at})`;
    console.log(`The shop as of ${when} is restored to ${homeDefault}. Now: npm start`);
  });

// The supervisor's own, for its schedule.
program
  .command('copy <backup> <folder>', { hidden: true })
  .action(async (backup: string, folder: string) => {
    await copyBackup(backup, folder, () => stopped.signal.throwIfAborted());
  });
program.command('archive <folders...>', { hidden: true }).action(async (places: string[]) => {
  process.stdin.resume().on('end', () => stopped.abort());
  const say = (sentence: string) => console.log(sentence);
  const archiver = new LogArchiver({ home: homeDefault, places, everyMs: archiveEveryMs, say });
  await archiver.run(stopped.signal);
  process.exit();
});

for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(name, () => stopped.abort());
}
program.parseAsync().catch((error: unknown) => {
  console.error(reasonOf(error));
  process.exitCode = 1;
});
