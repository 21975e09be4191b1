/**
 * One service as a child process. It has a session of its own and writes its log to a file, so
 * that neither the terminal's Ctrl-C nor the supervisor's death reaches it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, closeSync, constants, mkdirSync, openSync } from 'node:fs';
import path from 'node:path';
import { nodeFlags } from './node-flags.ts';
import { serviceEntry } from './service-entry.ts';

const sharedCodeCache = path.resolve(
  import.meta.dirname,
  '../../../node_modules/.cache/doorbuster',
);

export interface LaunchOptions {
  readonly role: string;
  readonly id: string;
  readonly home: string;
  /** Its environment, without its id and its home. */
  readonly env: Readonly<Record<string, string>>;
  /** It listens and can work. */
  readonly onReady: (url: string) => void;
  /** `why`: its own reason for a failed start, if it gave one. */
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
  let failure: string | undefined;
  child.on('message', (message) => {
    const { type, url, why } = message as { type?: string; url?: string; why?: string };
    if (type === 'failed') failure = why;
    if (type === 'ready' && url !== undefined) options.onReady(url);
  });
  child.on('error', () => {}); // a failed spawn also reports as an exit
  child.once('exit', (code, signal) => options.onExit(code, signal, failure));
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
