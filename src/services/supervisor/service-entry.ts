/**
 * Which file a service is started from: its bundle (tools/build-services.mjs), which starts in about half of the
 * time, or its TypeScript where there is no bundle or something changed since it was made.
 */
import { type Dirent, readdirSync, statSync } from 'node:fs';
import path from 'node:path';

/** Where a checkout is, and what of it was built. Replaceable for tests. */
export interface ServiceFolders {
  readonly root: string;
}

const here: ServiceFolders = { root: path.resolve(import.meta.dirname, '../../..') };
/** Written last by whoever built: its time is the bundles'. */
const stampFile = 'build/services/.doorbuster-sources';
const bundledFrom = ['src', 'package-lock.json'];

let current: boolean | null = null;

/** The file to start; looked at once in the life of a supervisor, so that all instances are alike. */
export function serviceEntry(role: string): string {
  current ??= areBundlesCurrent(here);
  const folder = current ? 'build/services' : 'src/services';
  return path.join(here.root, folder, role, current ? 'main.js' : 'main.ts');
}

/** Whether bundles are there and nothing that they are made from is newer. */
export function areBundlesCurrent({ root }: ServiceFolders): boolean {
  const builtAt = timeOf(path.join(root, stampFile));
  return builtAt !== null && bundledFrom.every((each) => !isNewer(path.join(root, each), builtAt));
}

/** A folder is newer when a file came or went, too. */
function isNewer(place: string, than: number): boolean {
  const time = timeOf(place);
  if (time === null || time > than) return true;
  return entriesOf(place).some((entry) => {
    if (entry.isFile() && entry.name.endsWith('.test.ts')) return false;
    return isNewer(path.join(place, entry.name), than);
  });
}

function timeOf(place: string): number | null {
  return statSync(place, { throwIfNoEntry: false })?.mtimeMs ?? null;
}

function entriesOf(place: string): Dirent[] {
  return statSync(place).isDirectory() ? readdirSync(place, { withFileTypes: true }) : [];
}
