/**
 * One PostgreSQL node on this machine: its folder, its configuration, its process. It decides
 * nothing; the trio commands it.
 *
 * Its folder holds `data` (the data directory: whole, or not there), and beside it what makes it
 * this node and no other: configuration, access rules, the replication password.
 *
 * Life of the process: gone -> running (spawned, may answer later) -> gone. A fence ends it and
 * every child of it, for good, before it returns.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  chownSync,
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type InternalTls, identityFiles } from '../../../kit/cluster/internal-tls.ts';
import { freePort, isPortFree } from '../../../kit/http/free-port.ts';
import type { NodeId } from '../../../replication/leadership.ts';
import type { NodeData } from '../../../replication/observation.ts';
import { type ProcessName, processesIn, signal, startTimeOf } from '../process-table.ts';
import type { Binaries } from './binaries.ts';
import { failureReason } from './failure-reason.ts';
import { accessText, configurationText, connectionInfo, type TlsFiles } from './settings.ts';
import type { Account } from './system-user.ts';

export interface NodeOptions {
  readonly id: NodeId;
  /** Real path of the folder that holds `data`. */
  readonly folder: string;
  readonly port: number;
  readonly account: Account | null;
  readonly binaries: Binaries;
  readonly logFile: string;
  readonly replicatorPassword: string;
  /** Null: connections are plain. */
  readonly tls: InternalTls | null;
  /** Settings of PostgreSQL that replace ours. */
  readonly settings: Readonly<Record<string, string>>;
  /** Ports of a drill's proxies to this node, by follower. */
  readonly linkPorts: ReadonlyMap<NodeId, number>;
}

const epochFile = 'doorbuster.epoch';
const fencePauseMs = 3;
const stopMsMax = 3_000;
const leftoverStopMsMax = 2_000;

export class PostgresNode {
  readonly id: NodeId;
  readonly folder: string;
  readonly dataFolder: string;
  /** Called whenever the process ends, with the signal that ended it. */
  onExit: (signal: NodeJS.Signals | null) => void = () => {};
  #running: ProcessName | null = null;
  #child: ChildProcess | null = null;
  #source = '';
  #quorum: readonly NodeId[] = [];
  #port: number;
  #isBarred = false;
  #data: NodeData | null = null;
  /** Where the log of its present process begins; null before the first. */
  #logFrom: number | null = null;
  #spawnError: string | null = null;
  readonly #options: NodeOptions;

  constructor(options: NodeOptions) {
    this.#options = options;
    this.id = options.id;
    this.#port = options.port;
    this.folder = options.folder;
    this.dataFolder = path.join(options.folder, 'data');
  }

  get running(): ProcessName | null {
    return this.#running;
  }

  get port(): number {
    return this.#port;
  }

  /** Where to connect to it, and with what. */
  get endpoint(): { readonly port: number; readonly tls: InternalTls | null } {
    return { port: this.#port, tls: this.#options.tls };
  }

  /** The `primary_conninfo` by which this node follows `source`; '' for null. */
  sourceText(source: PostgresNode | null): string {
    if (source === null) return '';
    const port = source.#options.linkPorts.get(this.id) ?? source.#port;
    return connectionInfo(this.id, port, this.#tlsFiles);
  }

  get #tlsFiles(): TlsFiles | null {
    if (this.#options.tls === null) return null;
    const { ca, cert, key } = identityFiles;
    const place = (name: string) => path.join(this.folder, name);
    return { ca: place(ca), cert: place(cert), key: place(key) };
  }

  get quorum(): readonly NodeId[] {
    return this.#quorum;
  }

  /** Whether services are refused until `admit`. */
  get isBarred(): boolean {
    return this.#isBarred;
  }

  get account(): Account | null {
    return this.#options.account;
  }

  /**
   * Why its last process ended or does not serve, as PostgreSQL logged it; null where it logged
   * nothing.
   */
  failureReason(): string | null {
    if (this.#spawnError !== null || this.#logFrom === null) return this.#spawnError;
    return failureReason(this.#options.logFile, this.#logFrom);
  }

  /** What it would be if it were started now; while it runs, what it was when last looked at. */
  data(): NodeData {
    if (this.#running === null || this.#data === null) this.#data = this.#readData();
    return this.#data;
  }

  /** It was promoted: its directory is a leader's from now on. */
  forgetData(): void {
    this.#data = null;
  }

  #readData(): NodeData {
    if (!existsSync(path.join(this.dataFolder, 'PG_VERSION'))) return { kind: 'none' };
    if (!existsSync(path.join(this.dataFolder, 'standby.signal'))) return { kind: 'leader' };
    return { kind: 'follower', epoch: this.#copyEpoch() };
  }

  #copyEpoch(): number {
    try {
      return Number(readFileSync(path.join(this.dataFolder, epochFile), 'utf8'));
    } catch {
      return 0;
    }
  }

  /** All processes of this node: the postmaster and its children. */
  processes(): number[] {
    return processesIn(this.dataFolder);
  }

  /** Spawns it. `isBarred`: services are refused until `admit`. */
  async start(
    source: PostgresNode | null,
    quorum: readonly NodeId[],
    isBarred: boolean,
  ): Promise<void> {
    await this.fence();
    rmSync(path.join(this.dataFolder, 'postmaster.pid'), { force: true });
    // Another process may have taken the port while the node was down; the others get the new one.
    if (!(await isPortFree(this.#port))) this.#port = await freePort();
    this.#isBarred = isBarred;
    this.#writeAccess();
    const { replicatorPassword, binaries, logFile, tls } = this.#options;
    this.#write('pgpass', `*:*:*:replicator:${replicatorPassword}\n`);
    if (tls !== null) this.#writeIdentity(tls);
    this.#configure(this.sourceText(source), quorum);
    const log = openSync(logFile, 'a');
    this.#logFrom = fstatSync(log).size;
    this.#spawnError = null;
    const configuration = `config_file=${path.join(this.folder, 'postgresql.conf')}`;
    const child = spawn(binaries.postgres, ['-D', this.dataFolder, '-c', configuration], {
      ...this.#options.account,
      cwd: this.dataFolder,
      detached: true, // Ctrl-C in a terminal is for the supervisor alone
      stdio: ['ignore', log, log],
      env: { PGPASSFILE: path.join(this.folder, 'pgpass'), PATH: '/usr/bin:/bin' },
    });
    closeSync(log);
    this.#child = child;
    child.once('error', ({ message }) => {
      this.#spawnError = message;
      this.#ended(child, null);
    });
    child.once('exit', (_code, signal) => this.#ended(child, signal));
    const startTime = child.pid === undefined ? null : startTimeOf(child.pid);
    if (child.pid === undefined || startTime === null) return;
    this.#running = { pid: child.pid, startTime };
  }

  #ended(child: ChildProcess, signal: NodeJS.Signals | null): void {
    if (this.#child !== child) return;
    this.#child = null;
    this.#running = null;
    this.onExit(signal);
  }

  /** New source and quorum, without a restart. They are in force when the node says so. */
  reconfigure(source: PostgresNode | null, quorum: readonly NodeId[]): void {
    this.#configure(this.sourceText(source), quorum);
    this.#reload();
  }

  setQuorum(quorum: readonly NodeId[]): void {
    this.#configure(this.#source, quorum);
    this.#reload();
  }

  /** Services may connect from now on. */
  admit(): void {
    this.#isBarred = false;
    this.#writeAccess();
    this.#reload();
  }

  #writeAccess(): void {
    this.#write('pg_hba.conf', accessText(this.#isBarred, this.#options.tls !== null));
  }

  /** Copies of its own: its account may read nobody else's files. */
  #writeIdentity(tls: InternalTls): void {
    this.#write(identityFiles.ca, tls.ca);
    this.#write(identityFiles.cert, tls.cert);
    this.#write(identityFiles.key, tls.key);
  }

  #reload(): void {
    if (this.#running !== null) signal(this.#running, 'SIGHUP');
  }

  #configure(source: string, quorum: readonly NodeId[]): void {
    const hbaFile = path.join(this.folder, 'pg_hba.conf');
    const { id, port } = this;
    const overrides = this.#options.settings;
    const tls = this.#tlsFiles;
    const text = configurationText({ id, port, hbaFile, source, quorum, tls, overrides });
    this.#write('postgresql.conf', text);
    this.#source = source;
    this.#quorum = quorum;
  }

  #write(name: string, text: string): void {
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    this.#own(this.folder);
    const file = path.join(this.folder, name);
    const temporary = `${file}.new`;
    rmSync(temporary, { force: true });
    writeFileSync(temporary, text, { mode: 0o600 });
    this.#own(temporary);
    renameSync(temporary, file);
  }

  #own(place: string): void {
    const { account } = this.#options;
    if (account !== null) chownSync(place, account.uid, account.gid);
  }

  /** Kills the postmaster and every process of it, until none is left. */
  async fence(): Promise<void> {
    for (;;) {
      const pids = this.processes();
      if (pids.length === 0) break;
      for (const pid of pids) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // ended by itself
        }
      }
      await sleep(fencePauseMs);
    }
    // The exit event may still be on its way; nothing of the node lives.
    if (this.#child !== null) this.#ended(this.#child, 'SIGKILL');
  }

  /** Fast shutdown: followers get all of the log first. Fenced when that takes too long. */
  async stop(msMax = stopMsMax): Promise<void> {
    const running = this.#running;
    if (running !== null && signal(running, 'SIGINT')) {
      const deadline = performance.now() + msMax;
      while (this.#running === running && performance.now() < deadline) await sleep(10);
    }
    await this.fence();
  }

  /** Ends a node that another supervisor started: in order where it can, so that it starts fast. */
  async stopLeftover(): Promise<void> {
    const postmaster = this.#postmasterOnFile();
    if (postmaster !== null && this.processes().includes(postmaster)) {
      process.kill(postmaster, 'SIGINT');
      const deadline = performance.now() + leftoverStopMsMax;
      while (this.processes().length > 0 && performance.now() < deadline) await sleep(20);
    }
    await this.fence();
  }

  #postmasterOnFile(): number | null {
    try {
      const text = readFileSync(path.join(this.dataFolder, 'postmaster.pid'), 'utf8');
      return Number(text.split('\n')[0]);
    } catch {
      return null;
    }
  }

  /** Pauses or resumes every process of it: what a hanging machine looks like. */
  signalAll(kind: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): void {
    for (const pid of this.processes()) {
      try {
        process.kill(pid, kind);
      } catch {
        // ended by itself
      }
    }
  }
}

/** Marks a finished copy as a follower's, made in that epoch. */
export function markAsFollower(dataFolder: string, epoch: number, account: Account | null): void {
  for (const [name, text] of [
    [epochFile, String(epoch)],
    ['standby.signal', ''],
  ] as const) {
    const file = path.join(dataFolder, name);
    writeFileSync(file, text, { mode: 0o600 });
    if (account !== null) chownSync(file, account.uid, account.gid);
  }
}
