/** `npm run backup -- FOLDER` of a selling shop; `npm run restore -- FOLDER` to an empty home. */
import path from 'node:path';
import { SingleBar } from 'cli-progress';
import { Command } from 'commander';
import { backUp } from './backup.ts';
import { restore } from './restore.ts';

const homeDefault = path.resolve(process.env['DOORBUSTER_HOME'] ?? '.doorbuster');
const format = '{bar} {percentage} % of {total} MB, {eta} s left';

/** A bar in megabytes; silent where nobody watches. */
class Progress {
  readonly #bar = new SingleBar({ format, clearOnComplete: true, hideCursor: true });
  #isShown = false;

  show(bytes: number, bytesTotal: number): void {
    if (!process.stderr.isTTY) return;
    const [done, total] = [Math.round(bytes / 1e6), Math.round(bytesTotal / 1e6)];
    if (!this.#isShown) this.#bar.start(total, done);
    this.#isShown = true;
    this.#bar.update(done);
  }

  end(): void {
    if (this.#isShown) this.#bar.stop();
  }
}

const program = new Command('doorbuster').description('Backups of the whole shop');
program
  .command('backup <folder>')
  .description('copies the running shop into an empty folder, while it sells')
  .action(async (folder: string) => {
    const progress = new Progress();
    const target = path.resolve(folder);
    const manifest = await backUp({
      home: homeDefault,
      target,
      now: new Date(),
      onProgress: ({ bytes, bytesTotal }) => progress.show(bytes, bytesTotal),
    }).finally(() => progress.end());
    console.log(`The shop as of ${manifest.at} is in ${target}. It holds secrets: keep it safe.`);
  });
program
  .command('restore <folder>')
  .description('makes a shop from a backup, in a home that holds none')
  .action(async (folder: string) => {
    const progress = new Progress();
    const manifest = await restore({
      source: path.resolve(folder),
      home: homeDefault,
      onProgress: (done, total) => progress.show(done, total),
    }).finally(() => progress.end());
    console.log(`The shop as of ${manifest.at} is restored to ${homeDefault}. Now: npm start`);
  });

program.parseAsync().catch((error: unknown) => {
  console.error((error as Error).message);
  process.exit(1);
});
