/** The folder that a backup goes to: whole in the end, or as it was before. */
import { existsSync, realpathSync, statfsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { isAlive, type ProcessName, startTimeOf } from '../process-table.ts';
import { manifestName, unfinishedName } from './manifest.ts';

/** Whatever ends `work` early, nothing that it wrote is left. */
export async function intoFolder<T>(target: string, work: () => Promise<T>): Promise<T> {
  const isNew = !existsSync(target);
  await open(target);
  try {
    const made = await work();
    await rm(path.join(target, unfinishedName));
    return made;
  } catch (error) {
    await clear(target);
    if (isNew) await rm(target, { recursive: true, force: true });
    throw error;
  }
}

/** What lies among the databases is lost with them, and would be taken for theirs. */
export function refuseInside(home: string, target: string): void {
  const data = realpathSync(path.join(home, 'pg'));
  let place = target;
  while (!existsSync(place)) place = path.dirname(place);
  const real = path.join(realpathSync(place), path.relative(place, target));
  const inside = path.relative(data, real);
  if (inside.startsWith('..') || path.isAbsolute(inside)) return;
  throw new Error(`${target} lies within the databases (${data}): choose a folder elsewhere.`);
}

async function open(target: string): Promise<void> {
  await mkdir(target, { recursive: true, mode: 0o700 });
  const found = await readdir(target);
  if (found.includes(unfinishedName) && !found.includes(manifestName)) {
    const maker = await readMaker(target);
    if (maker !== null && isAlive(maker)) {
      throw new Error(`Process ${maker.pid} is making a backup in ${target}.`);
    }
    await clear(target);
  } else if (found.length > 0) {
    throw new Error(`${target} is not empty: a backup needs its own folder.`);
  }
  const maker: ProcessName = { pid: process.pid, startTime: startTimeOf(process.pid) ?? '' };
  await writeFile(path.join(target, unfinishedName), JSON.stringify(maker), { mode: 0o600 });
}

async function readMaker(target: string): Promise<ProcessName | null> {
  try {
    return JSON.parse(await readFile(path.join(target, unfinishedName), 'utf8'));
  } catch {
    return null; // it was killed as it wrote its name
  }
}

/** Removes what is in the folder, which may be one that others made, such as a mounted disk. */
async function clear(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    await rm(path.join(folder, name), { recursive: true, force: true });
  }
}

/** Throws a sentence where the disk of an existing folder has not that much left. */
export function requireRoom(folder: string, bytes: number): void {
  const { bavail, bsize } = statfsSync(folder);
  if (bavail * bsize > bytes) return;
  const [needed, free] = [bytes, bavail * bsize].map((each) => Math.ceil(each / 1e6));
  throw new Error(
    `${needed} MB are needed in ${folder}, and its disk has ${free} MB left: make room, or ` +
      'choose another one.',
  );
}
