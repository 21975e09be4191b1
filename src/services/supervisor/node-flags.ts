/** The flags that each service's Node is started with, and why. */
import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';

/**
 * A purchase is held for a tenth of a second and more, so what it needs outlives small young
 * generations and is copied again and again: 64 MB instead of 16 saves a tenth of the gateway. And
 * each of our processes is one of many on the machine: four threads that collect garbage in each
 * fight for the same cores.
 *
 * V8 must not guess which objects will live long ("allocation site pretenuring"). It guesses that
 * the array literals of held purchases do, and puts them into the old generation at once. There
 * they stay for seconds after their end, and keep every young object that they point to: 13 MB at
 * each run of the collector, 70 ms instead of 20.
 */
const flags = [
  '--max-semi-space-size=64',
  '--no-parallel-scavenge',
  '--no-allocation-site-pretenuring',
  '--disable-warning=ExperimentalWarning',
];

/**
 * Threads that compile and collect beside the main one. Node starts four in every process, however
 * few processors there are. The first thousand requests of a crowd make V8 compile everything at
 * once; then these threads keep all main threads off two cores for half a second.
 */
const helpersMax = 4;
const helpers = Math.max(1, Math.min(helpersMax, availableParallelism() - 1));

/**
 * V8 marks the whole heap when its old part has outgrown the 40 MB that a started gateway holds.
 * That would be in the first second of a flood, with its first 256 connections, when all of them
 * wait for every millisecond. A larger old part makes it happen later.
 */
const flagsOfRole: Readonly<Record<string, readonly string[]>> = {
  gateway: ['--initial-old-space-size=128'],
};

let refused: readonly string[] = [];

/** Node's arguments before the file to run. */
export function nodeFlags(role: string): string[] {
  const wanted = [...flags, `--v8-pool-size=${helpers}`, ...(flagsOfRole[role] ?? [])];
  return wanted.filter((flag) => !refused.includes(flag));
}

/**
 * Most of these flags are internal to V8, and a later Node may not know one. An unknown flag ends
 * every service at its start, so all are tried once, before the first service; those that this Node
 * refuses are left out and returned. Each flag only saves time, none is needed.
 */
export function leaveOutRefusedFlags(): readonly string[] {
  const all = [...new Set(['', ...Object.keys(flagsOfRole)].flatMap(nodeFlags))];
  refused = refusedOf(all);
  return refused;
}

/** Takes 40 ms where all are known. */
export function refusedOf(all: readonly string[], node = process.execPath): readonly string[] {
  const starts = (tried: readonly string[]): boolean =>
    spawnSync(node, [...tried, '--eval', '0'], { stdio: 'ignore' }).status === 0;
  return starts(all) ? [] : all.filter((flag) => !starts([flag]));
}
