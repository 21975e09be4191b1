/** The flags that each service's Node is started with, and why. */
import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';

/**
 * A purchase is held for a tenth of a second and more, so what it needs outlives small young
 * generations and is copied again and again: 64 MB instead of 16 saves a tenth of the gateway. And
 * each of our processes is one of many on the machine: four threads that collect garbage in each
 * fight for the same cores.
 *
 * Nor may V8 guess what will live long ("allocation site pretenuring"). It takes the array literals
 * of held purchases for such and puts them among the old at once, where, dead but not collected
 * for seconds, they keep all young ones that they point to: 13 MB at each run of the collector,
 * 70 ms instead of 20.
 */
const flags = [
  '--max-semi-space-size=64',
  '--no-parallel-scavenge',
  '--no-allocation-site-pretenuring',
  '--disable-warning=ExperimentalWarning',
];

/**
 * Threads that compile and collect beside the main one. Node takes four in every process, whatever
 * there is to run them: when a crowd's first thousand requests have made V8 compile everything at
 * once, they push the main thread, and those of others, off two cores for half a second.
 */
const helpersMax = 4;
const helpers = Math.max(1, Math.min(helpersMax, availableParallelism() - 1));

/**
 * V8 marks the whole heap when its old part has outgrown the 40 MB that a started gateway holds: in
 * the first second of a flood, with its first 256 connections, when every millisecond is waited for
 * by all of them. So that comes later.
 */
const flagsOfRole: Readonly<Record<string, readonly string[]>> = {
  gateway: ['--initial-old-space-size=128'],
};

let refused: readonly string[] = [];

/** What Node is told besides the file to run. */
export function nodeFlags(role: string): string[] {
  const wanted = [...flags, `--v8-pool-size=${helpers}`, ...(flagsOfRole[role] ?? [])];
  return wanted.filter((flag) => !refused.includes(flag));
}

/**
 * Most of these flags are internal to V8, and a later Node may not know one: it would end every
 * service at its start. So they are tried once, before the first service; what this Node refuses is
 * left out and returned. Each only saves time, none is needed.
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
