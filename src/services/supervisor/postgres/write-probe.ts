/**
 * Makes the leader write to its own disk, again and again. It does not wait for the quorum:
 * followers that are away are no fault of the leader's.
 *
 * It is apart from the questions of probe.ts, because a slow disk is not a dead leader: with three
 * nodes on one busy disk a single commit took up to 5 s, and replacing the leader for that only
 * makes the disk busier. An error counts from when it was first seen (disk full, read-only), a
 * write without an answer only after `stallMsMax`.
 */
import { statfsSync } from 'node:fs';
import type { PostgresNode } from './node.ts';
import { Session } from './session.ts';

const everyMs = 900;
const stallMsMax = 8_000;
const deadlineMs = 20_000;

const statement = `
  begin; set local synchronous_commit = local;
  update heartbeat set at = now() where id = 1; commit`;

const diskFull = '53100';
/** A few segments of the log; half of one where the data is older than decision 16. */
const roomBytesMin = 8 * 1024 * 1024;

export interface WriteProbeOptions {
  readonly node: PostgresNode;
  readonly password: string;
  /** With its peers: then a full or slow disk is theirs as well, and does not count. */
  readonly isDiskShared: boolean;
}

export class WriteProbe {
  readonly #options: WriteProbeOptions;
  #session: Session | null = null;
  #life = 0;
  #startedAt: number | null = null;
  #lastAt = Number.NEGATIVE_INFINITY;
  #failingSince: number | null = null;
  #fullSince: number | null = null;

  constructor(options: WriteProbeOptions) {
    this.#options = options;
  }

  /** The process ended or begins anew. */
  reset(): void {
    this.#life += 1;
    this.#session?.cut();
    this.#session = null;
    this.#startedAt = null;
    this.#failingSince = null;
    this.#fullSince = null;
  }

  /** 0 while writing works or is merely slow. */
  failingMs(now: number): number {
    if (this.#hasNoRoom()) this.#fullSince ??= now;
    else this.#fullSince = null;
    const since = this.#fullSince ?? this.#failingSince;
    if (since !== null) return now - since;
    if (this.#startedAt === null || this.#options.isDiskShared) return 0;
    return Math.max(0, now - this.#startedAt - stallMsMax);
  }

  /** A full disk lets the row of the heartbeat be written in place for a long while. */
  #hasNoRoom(): boolean {
    if (this.#options.isDiskShared) return false;
    try {
      const { bavail, bsize } = statfsSync(this.#options.node.dataFolder);
      return bavail * bsize < roomBytesMin;
    } catch {
      return false; // no such folder: the node will say so itself
    }
  }

  /** Begins the next write, if none is under way and the last is some time ago. */
  next(now: number): void {
    if (this.#startedAt !== null || now - this.#lastAt < everyMs) return;
    this.#startedAt = now;
    this.#lastAt = now;
    void this.#write(this.#life, now);
  }

  async #write(life: number, startedAt: number): Promise<void> {
    let failingSince: number | null = null;
    try {
      this.#session ??= await this.#connect();
      await this.#session.run(statement, deadlineMs);
    } catch (error) {
      if (this.#isFailure(error as Error)) failingSince = this.#failingSince ?? startedAt;
      this.#session?.cut();
      if (life === this.#life) this.#session = null;
    }
    if (life !== this.#life) return;
    this.#failingSince = failingSince;
    this.#startedAt = null;
  }

  /** The server says no, or nothing at all; a connection that broke says nothing of disks. */
  #isFailure(error: Error & { readonly code?: string }): boolean {
    const { isDiskShared } = this.#options;
    if (error.name === 'DeadlinePassed') return !isDiskShared;
    if (error.code === diskFull) return !isDiskShared;
    return /^(53|58|25|XX)/.test(error.code ?? '');
  }

  async #connect(): Promise<Session> {
    const { node, password } = this.#options;
    const options = { ...node.endpoint, password, name: 'supervisor' };
    const life = this.#life;
    const session = await new Session(options).open(deadlineMs);
    if (life !== this.#life) {
      session.cut();
      throw new Error('the process ended meanwhile');
    }
    return session;
  }
}
