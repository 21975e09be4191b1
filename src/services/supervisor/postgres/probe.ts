/**
 * Queries the state of one node again and again, and keeps the last answer with the time at which
 * the query was sent. A leader must also accept a new connection, and write (write-probe.ts).
 *
 * Modes: *asleep* (no process), *asking* (one question at a time, each with a deadline), and
 * *hurried* (no pause between questions, while a failover is on). Never: using an answer that was
 * requested before the last command. So `forget` makes it void.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { NodeId } from '../../../replication/leadership.ts';
import type { Answer, FollowerAnswer } from '../../../replication/observation.ts';
import { untilNextTickMs } from '../aligned-timer.ts';
import type { PostgresNode } from './node.ts';
import { Session } from './session.ts';
import { quorumOf, slotName } from './settings.ts';
import { WriteProbe } from './write-probe.ts';

const leaderPauseMs = 250;
/** A follower's answer counts for much longer than a leader's silence (timing.ts). */
const followerPauseMs = 500;
const hurriedPauseMs = 8;
const deadlineMs = 1_500;
const reconnectEveryMs = 4_800;

const followerQuery = `
  select pg_is_in_recovery() as recovering,
         pg_wal_lsn_diff(pg_last_wal_receive_lsn(), '0/0')::float8 as received,
         pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::float8 as replayed,
         current_setting('primary_conninfo') as source,
         exists (select from pg_stat_get_wal_receiver() where pid is not null) as receiving,
         exists (
           select from pg_stat_activity where backend_type = 'startup'
           and wait_event in ('RecoveryRetrieveRetryInterval', 'RecoveryWalStream')) as waiting`;

/** Segment names begin with the timeline; a follower that received from it has such a file. */
const timelineQuery = `
  select max(left(name, 8)) as timeline from pg_ls_waldir() where name ~ '^[0-9A-F]{24}$'`;

const leaderQuery = `
  select pg_is_in_recovery() as recovering,
         pg_wal_lsn_diff(pg_current_wal_flush_lsn(), '0/0')::float8 as lsn,
         current_setting('synchronous_standby_names') as quorum,
         (select coalesce(json_object_agg(application_name,
                   pg_wal_lsn_diff(flush_lsn, '0/0')::float8), '{}')
          from pg_stat_replication
          where state in ('streaming', 'catchup') and flush_lsn is not null) as streaming,
         (select coalesce(json_object_agg(slot_name, wal_status), '{}')
          from pg_replication_slots) as slots
  where not pg_is_in_recovery()`;

interface FollowerRow {
  readonly recovering: boolean;
  readonly received: number | null;
  readonly replayed: number | null;
  readonly source: string;
  readonly receiving: boolean;
  readonly waiting: boolean;
}

interface LeaderRow {
  readonly lsn: number;
  readonly quorum: string;
  readonly streaming: Readonly<Record<NodeId, number>>;
  readonly slots: Readonly<Record<string, string | null>>;
}

export interface ProbeOptions {
  readonly node: PostgresNode;
  readonly peers: () => readonly PostgresNode[];
  readonly password: string;
  readonly isDiskShared: boolean;
  /** Something changed that a decision may depend on. */
  readonly onAnswer: () => void;
}

export class Probe {
  answer: Answer | null = null;
  /** When the last answered query was sent, or the node was last started or commanded. */
  askedAt = performance.now();
  /** How much of the time since then our own process stood still, ms. */
  excusedMs = 0;
  /** Slots that the node keeps, as its last answer as a leader had them. */
  slots: readonly string[] = [];
  barrier: 'none' | 'waiting' | 'done' = 'none';
  isHurried = false;
  #life = 0;
  #voidBefore = 0;
  #lastConnect = 0;
  #session: Session | null = null;
  #isClosed = false;
  readonly #writes: WriteProbe;
  readonly #wake = new AbortablePause();
  readonly #options: ProbeOptions;

  constructor(options: ProbeOptions) {
    this.#options = options;
    this.#writes = new WriteProbe(options);
    void this.#ask();
  }

  /** The process ended or begins anew: nothing said before is true of it. */
  reset(): void {
    this.#life += 1;
    this.barrier = 'none';
    this.slots = [];
    this.#writes.reset();
    this.#session?.cut();
    this.#session = null;
    this.forget();
  }

  /** After a command: only answers to queries that are sent from now on count. */
  forget(): void {
    this.answer = null;
    this.askedAt = performance.now();
    this.excusedMs = 0;
    this.#voidBefore = this.askedAt;
    this.#wake.now();
  }

  /** Our own event loop stood still; the node is not to blame for that time. */
  excuse(ms: number): void {
    this.excusedMs += ms;
  }

  hurry(isHurried: boolean): void {
    if (isHurried && !this.isHurried) this.#wake.now();
    this.isHurried = isHurried;
  }

  close(): void {
    this.#isClosed = true;
    this.#writes.reset();
    this.#session?.cut();
    this.#wake.now();
  }

  async #ask(): Promise<void> {
    while (!this.#isClosed) {
      const asked = performance.now();
      if (this.#options.node.running !== null) await this.#askOnce(asked).catch(() => this.#drop());
      const isImpatient = this.isHurried || (this.answer === null && this.#isRunning());
      const calmMs = this.answer?.role === 'follower' ? followerPauseMs : leaderPauseMs;
      await this.#wake.pause(isImpatient ? hurriedPauseMs : untilNextTickMs(calmMs));
    }
  }

  #isRunning(): boolean {
    return this.#options.node.running !== null;
  }

  #drop(): void {
    this.#session?.cut();
    this.#session = null;
  }

  async #askOnce(asked: number): Promise<void> {
    const life = this.#life;
    const isLeader = this.answer?.role === 'leader';
    if (isLeader && asked - this.#lastConnect > reconnectEveryMs) this.#drop();
    const session = this.#session ?? (await this.#connect());
    const answer = isLeader
      ? ((await this.#askLeader(session, asked)) ?? (await this.#askFollower(session)))
      : ((await this.#askFollower(session)) ?? (await this.#askLeader(session, asked)));
    if (answer === null || life !== this.#life || asked < this.#voidBefore) return;
    this.answer = answer;
    this.askedAt = asked;
    this.excusedMs = 0;
    this.#options.onAnswer();
  }

  async #connect(): Promise<Session> {
    this.#lastConnect = performance.now();
    const { node, password } = this.#options;
    const options = { ...node.endpoint, password, name: 'supervisor' };
    const life = this.#life;
    const session = await new Session(options).open(deadlineMs);
    if (life !== this.#life || this.#isClosed) session.cut();
    else this.#session = session;
    return session;
  }

  async #askFollower(session: Session): Promise<FollowerAnswer | null> {
    const [row] = await session.query<FollowerRow>(followerQuery, [], deadlineMs);
    if (row === undefined || !row.recovering) return null;
    const { received, replayed, receiving, waiting } = row;
    let timeline = 0;
    if (row.source === '') {
      const rows = await session.query<{ timeline: string | null }>(timelineQuery, [], deadlineMs);
      timeline = Number.parseInt(rows[0]?.timeline ?? '0', 16);
    }
    return {
      role: 'follower',
      source: this.#sourceOf(row.source),
      receiving,
      replayed: waiting,
      timeline,
      lsn: Math.max(received ?? 0, replayed ?? 0),
    };
  }

  #sourceOf(setting: string): NodeId | null | 'other' {
    if (setting === '') return null;
    const { node, peers } = this.#options;
    const source = peers().find((peer) => node.sourceText(peer) === setting);
    return source === undefined ? 'other' : source.id;
  }

  async #askLeader(session: Session, asked: number): Promise<Answer | null> {
    const [row] = await session.query<LeaderRow>(leaderQuery, [], deadlineMs);
    if (row === undefined) return null;
    this.#writes.next(asked);
    this.slots = Object.keys(row.slots);
    const peers = this.#options.peers();
    return {
      role: 'leader',
      lsn: row.lsn,
      quorum: quorumOf(row.quorum),
      streaming: new Map(
        Object.entries(row.streaming).map(([id, flushedLsn]) => [id, { flushedLsn }]),
      ),
      lost: peers.filter(({ id }) => row.slots[slotName(id)] === 'lost').map(({ id }) => id),
      barrier: this.barrier,
      writeFailingMs: this.#writes.failingMs(asked),
    };
  }
}

/** A pause that can be ended early. */
class AbortablePause {
  #controller = new AbortController();
  #isWanted = false;

  async pause(ms: number): Promise<void> {
    if (!this.#isWanted) {
      await sleep(ms, undefined, { signal: this.#controller.signal }).catch(() => {});
    }
    this.#isWanted = false;
    this.#controller = new AbortController();
  }

  now(): void {
    this.#isWanted = true;
    this.#controller.abort();
  }
}
