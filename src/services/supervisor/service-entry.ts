/**
 * Which file a service is started from: its bundle (tools/build-services.mjs), which starts in
 * about half of the time, or its TypeScript where there is no bundle, or where something changed
 * since it was made.
 */
import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';

const checkout = path.resolve(import.meta.dirname, '../../..');
/** Written last by whoever built: its time is the bundles'. */
const stampFile = 'build/services/.doorbuster-sources';
const bundledFrom = ['src', 'package-lock.json'];

let current: boolean | null = null;

/**
 * The file to start. Whether bundles are current is looked at once in the life of a supervisor, so
 * that all instances run the same code; a bundle that was removed since costs time and no service.
 */
export function serviceEntry(role: string, root = checkout): string {
  current ??= areBundlesCurrent(root);
  const bundle = path.join(root, 'build/services', role, 'main.js');
  return current && existsSync(bundle) ? bundle : path.join(root, 'src/services', role, 'main.ts');
}

/** Whether bundles are there and nothing that they are made from is newer. */
export function areBundlesCurrent(root: string): boolean {
  const builtAt = statSync(path.join(root, stampFile), { throwIfNoEntry: false })?.mtimeMs;
  if (builtAt === undefined) return false;
  return bundledFrom.every((each) => !isNewer(path.join(root, each), builtAt));
}

/** A folder is newer when a file came or went, too. */
function isNewer(place: string, than: number): boolean {
  const found = statSync(place, { throwIfNoEntry: false });
  if (found === undefined || found.mtimeMs > than) return true;
  if (!found.isDirectory()) return false;
  const names = readdirSync(place).filter((name) => !name.endsWith('.test.ts'));
  return names.some((name) => isNewer(path.join(place, name), than));
}
