/**
 * One service as a child process. It has a session of its own and writes its log to a file, so
 * that neither the terminal's Ctrl-C nor the supervisor's death reaches it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, closeSync, constants, mkdirSync, openSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { serviceEntry } from './service-entry.ts';

const sharedCodeCache = path.resolve(
  import.meta.dirname,
  '../../../node_modules/.cache/doorbuster',
);

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

/** What Node is told besides the file to run. */
export function nodeFlags(role: string): string[] {
  return [...flags, `--v8-pool-size=${helpers}`, ...(flagsOfRole[role] ?? [])];
}

export interface LaunchOptions {
  readonly role: string;
  readonly id: string;
  readonly home: string;
  /** All that it is told beside its id and its home. */
  readonly env: Readonly<Record<string, string>>;
  /** It listens and can work. */
  readonly onReady: (url: string) => void;
  /** It was told to rest, and has nothing left to do. */
  readonly onResting: () => void;
  /** With what it said of its failed start, if it did. */
  readonly onExit: (code: number | null, signal: NodeJS.Signals | null, why?: string) => void;
}

export function launch(options: LaunchOptions): ChildProcess {
  const { role, id, home } = options;
  const log = openSync(path.join(home, 'logs', `${id}.log`), 'a');
  const child = spawn(process.execPath, [...nodeFlags(role), serviceEntry(role)], {
    detached: true,
    stdio: ['ignore', log, log, 'ipc'],
    env: {
      ...options.env,
      DOORBUSTER_ID: id,
      DOORBUSTER_HOME: home,
      DOORBUSTER_STARTED_BY: 'supervisor',
      NODE_COMPILE_CACHE: codeCache(home),
    },
  });
  closeSync(log);
  let lastWords: string | undefined;
  child.on('message', (message) => {
    const { type, url, why } = message as { type?: string; url?: string; why?: string };
    if (type === 'failed') lastWords = why;
    if (type === 'ready' && url !== undefined) options.onReady(url);
    if (type === 'resting') options.onResting();
  });
  child.on('error', () => {}); // a failed spawn also reports as an exit
  child.once('exit', (code, signal) => options.onExit(code, signal, lastWords));
  return child;
}

/** One for all homes, beside the code that it is made of, where we may write there. */
function codeCache(home: string): string {
  try {
    mkdirSync(sharedCodeCache, { recursive: true });
    accessSync(sharedCodeCache, constants.W_OK);
    return sharedCodeCache;
  } catch {
    return path.join(home, 'cache', 'node');
  }
}
