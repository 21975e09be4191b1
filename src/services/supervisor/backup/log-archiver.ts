/**
 * Copies the leader's log to its archives as it is written: each segment when it is full, and the
 * one that is being written every few seconds. It follows the leader; a slot that lives as long as
 * its session keeps what it has not copied yet.
 *
 * It is a process of its own: a disk that hangs must hang nobody who watches over the databases.
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterState } from '../../../kit/cluster/directory.ts';
import { clusterFile } from '../../../kit/cluster/file-directory.ts';
import { readIdentity } from '../../../kit/cluster/internal-tls.ts';
import { Session } from '../postgres/session.ts';
import { syncFolder } from '../stored-file.ts';
import {
  ancestorsOf,
  archive,
  archivedFiles,
  archiveFolder,
  archiveId,
  beginArchive,
  segmentNumber,
  timelineOf,
} from './log-archive.ts';
import { reasonOf } from './reason.ts';

const deadlineMs = 10_000;
const slot = 'archive';

export interface ArchiverOptions {
  /** Real path. */
  readonly home: string;
  /** Folders of backups; each gets an archive. */
  readonly places: readonly string[];
  readonly everyMs: number;
  readonly say: (sentence: string) => void;
}

interface Position {
  /** Name of the segment that is being written. */
  readonly segment: string;
  readonly lsn: string;
  readonly segment_bytes: number;
}

const positionSql = `
  select pg_walfile_name(flushed) as segment, flushed::text as lsn,
         pg_size_bytes(current_setting('wal_segment_size'))::integer as segment_bytes
  from pg_current_wal_flush_lsn() as flushed`;

export class LogArchiver {
  #session: Session | null = null;
  #leader: string | null = null;
  /** What was said of it; '' where it failed just once, null while it works. */
  #trouble: string | null = null;
  #lsn = '';
  readonly #options: ArchiverOptions;

  constructor(options: ArchiverOptions) {
    this.#options = options;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.round();
        if (this.#trouble) this.#options.say('the log is archived again');
        this.#trouble = null;
      } catch (error) {
        const reason = reasonOf(error);
        this.#disconnect();
        // a failover passes within one round; what lasts longer is said, once
        if (reason !== this.#trouble && this.#trouble !== null) {
          this.#options.say(`the log is not archived: ${reason}`);
        }
        this.#trouble = this.#trouble === null ? '' : reason;
      }
      await sleep(this.#options.everyMs, undefined, { signal }).catch(() => {});
    }
    this.#disconnect();
  }

  /** Archives what there is now. */
  async round(): Promise<void> {
    const { home, places } = this.#options;
    const session = await this.#connect();
    const [position] = await session.query<Position>(positionSql, [], deadlineMs);
    if (position === undefined || position.lsn === this.#lsn) return;
    if (archiveId(home) === null) beginArchive(home);
    const log = path.join(home, 'pg', this.#leader ?? '', 'data', 'pg_wal');
    const tried = await Promise.allSettled(places.map((each) => this.#copyTo(each, log, position)));
    for (const each of tried) if (each.status === 'rejected') throw each.reason;
    await session.query(
      'select pg_replication_slot_advance($1, $2::pg_lsn)',
      [slot, position.lsn],
      deadlineMs,
    );
    this.#lsn = position.lsn;
  }

  async #connect(): Promise<Session> {
    const { home } = this.#options;
    const state: ClusterState = JSON.parse(await readFile(clusterFile(home), 'utf8'));
    const { leader } = state.database;
    if (this.#session?.isOpen === true && leader?.id === this.#leader) return this.#session;
    this.#disconnect();
    if (leader === null) throw new Error('The shop has no database leader just now.');
    const secrets = JSON.parse(await readFile(path.join(home, 'secrets.json'), 'utf8'));
    const session = new Session({
      port: leader.port,
      tls: state.tlsFolder === undefined ? null : readIdentity(state.tlsFolder),
      password: secrets.databasePasswords.postgres,
      name: 'archive',
    });
    this.#session = await session.open(deadlineMs);
    this.#leader = leader.id;
    const statement = 'select pg_create_physical_replication_slot($1, true, true)';
    await session.query(statement, [slot], deadlineMs);
    return session;
  }

  #disconnect(): void {
    this.#session?.cut();
    this.#session = null;
    this.#leader = null;
    this.#lsn = '';
  }

  async #copyTo(place: string, log: string, { segment: current, segment_bytes: bytes }: Position) {
    const { home, say } = this.#options;
    if (!existsSync(place)) throw new Error(`${place} is not there: is its disk mounted?`);
    const numberOf = (name: string): number => segmentNumber(name, bytes);
    const found = await readdir(log);
    const full = await this.#fullSegments(log, found, current, bytes);
    let folder = archiveFolder(place, archiveId(home) ?? '');
    let archived = await archivedFiles(folder);
    const segments = archived.filter(({ name, isPartial }) => !isPartial && !name.includes('.'));
    const newest = Math.max(...segments.map(({ name }) => numberOf(name)));
    if (segments.length > 0 && numberOf(full[0] ?? current) > newest + 1) {
      say('a part of the log was gone before it was archived: a new backup begins a new archive');
      folder = archiveFolder(place, beginArchive(home));
      archived = [];
    }
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const there = new Set(archived.flatMap(({ name, isPartial }) => (isPartial ? [] : [name])));
    for (const name of [...found.filter((each) => each.endsWith('.history')), ...full]) {
      if (!there.has(name)) await archive(path.join(log, name), folder, false);
    }
    const partial = await archive(path.join(log, current), folder, true);
    syncFolder(folder);
    for (const each of archived) {
      if (each.isPartial && each.place !== partial) await rm(each.place, { force: true });
    }
  }

  /** Those that the leader's history went through and that nothing is added to any more. */
  async #fullSegments(
    log: string,
    found: readonly string[],
    current: string,
    bytes: number,
  ): Promise<string[]> {
    const numberOf = (name: string): number => segmentNumber(name, bytes);
    const timeline = timelineOf(current);
    const history = found.find((name) => name === `${current.slice(0, 8)}.history`);
    const text = history === undefined ? '' : await readFile(path.join(log, history), 'utf8');
    const ends = ancestorsOf(text, bytes);
    return found
      .filter((name) => /^[0-9A-F]{24}$/.test(name) && numberOf(name) < numberOf(current))
      .filter((name) => {
        const end = ends.get(timelineOf(name));
        return timelineOf(name) === timeline || (end !== undefined && numberOf(name) < end);
      })
      .sort((a, b) => numberOf(a) - numberOf(b));
  }
}
