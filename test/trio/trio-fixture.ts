/** A real trio in a folder of its own, and a writer that remembers what it was promised. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { pino } from 'pino';
import type { ClusterState } from '../../src/kit/cluster/directory.ts';
import { ClusterFile } from '../../src/services/supervisor/cluster-file.ts';
import { startTrio } from '../../src/services/supervisor/postgres/open-trio.ts';
import type { Trio } from '../../src/services/supervisor/postgres/trio.ts';
import type { TrioNode } from '../../src/services/supervisor/postgres/trio-node.ts';

const firstPasswords = {
  postgres: 'test-postgres',
  replicator: 'test-replicator',
  catalog: 'test-catalog',
  customers: 'test-customers',
  orders: 'test-orders',
};

type Published = ClusterState['database'];

export class TrioFixture implements AsyncDisposable {
  readonly home: string;
  readonly steps: string[] = [];
  /** What the owner was told. */
  readonly said: string[] = [];
  passwords = firstPasswords;
  published: Published = { leader: null, followers: [] };
  #trio: Trio | null = null;
  readonly #changes = new Set<() => void>();

  /** A path with a space and a quote, as people have them. */
  constructor() {
    const folder = mkdtempSync(path.join(os.tmpdir(), "doorbuster trio's "));
    this.home = realpathSync(folder);
    mkdirSync(path.join(this.home, 'logs'));
  }

  get trio(): Trio {
    if (this.#trio === null) throw new Error('the trio is not started');
    return this.#trio;
  }

  async start(): Promise<void> {
    await this.open();
    await this.trio.untilPublished(30_000);
  }

  /** Starts the nodes and waits for nothing. */
  async open(passwordsAreNew = false): Promise<void> {
    const { passwords } = this;
    const secrets = JSON.stringify({ databasePasswords: passwords });
    writeFileSync(path.join(this.home, 'secrets.json'), secrets, { mode: 0o600 });
    const file = new ClusterFile(this.home, null);
    this.#trio = await startTrio({
      home: this.home,
      passwords,
      passwordsAreNew,
      log: pino({ level: 'silent' }),
      // Processes die here, never the machine: what the system has is as good as on disk.
      settings: { fsync: 'off' },
      say: (sentence) => this.said.push(sentence),
      publish: (database, epoch) => {
        file.setDatabase(database, epoch);
        this.published = database;
        this.#changed();
      },
    });
    this.#trio.onStep((why) => {
      this.steps.push(why);
      this.#changed();
    });
  }

  /** Stops all nodes in order, as at the end of a day. */
  async close(): Promise<void> {
    await this.#trio?.stop();
    this.#trio = null;
    this.published = { leader: null, followers: [] };
  }

  /** All nodes and their supervisor die at once. */
  async crash(): Promise<void> {
    const nodes = [...this.trio.members.values()].map(({ node }) => node);
    this.abandon();
    await Promise.all(nodes.map((node) => node.fence()));
    this.published = { leader: null, followers: [] };
  }

  /** Something of a node's own folder. */
  place(node: string, ...names: string[]): string {
    return path.join(realpathSync(path.join(this.home, 'pg')), node, ...names);
  }

  #changed(): void {
    for (const check of [...this.#changes]) check();
  }

  /** Resolves when it holds; looked at after every publication, every step and now and then. */
  async until(what: string, holds: () => boolean, deadlineMs = 30_000): Promise<void> {
    if (holds()) return;
    await new Promise<void>((resolve, reject) => {
      const end = (): void => {
        clearInterval(poll);
        clearTimeout(timer);
        this.#changes.delete(check);
      };
      const check = (): void => {
        if (!holds()) return;
        end();
        resolve();
      };
      const poll = setInterval(check, 20);
      const timer = setTimeout(() => {
        end();
        reject(new Error(`not within ${deadlineMs} ms: ${what}\n${this.steps.join('\n')}`));
      }, deadlineMs);
      this.#changes.add(check);
    });
  }

  get leader(): TrioNode {
    return this.node(this.trio.leadership.leader);
  }

  get followers(): TrioNode[] {
    return [...this.trio.members.values()].filter((each) => each !== this.leader);
  }

  node(id: string): TrioNode {
    const node = this.trio.members.get(id);
    if (node === undefined) throw new Error(id);
    return node;
  }

  /** A leader is published and both followers count. */
  async whole(): Promise<void> {
    await this.until('three nodes that work', () => {
      const { leader, followers } = this.published;
      return leader !== null && followers.length === 2;
    });
  }

  connection(port: number): pg.Client {
    const password = this.passwords.orders;
    const client = new pg.Client({ host: '127.0.0.1', port, user: 'orders', password });
    client.on('error', () => {});
    return client;
  }

  async rows(port: number): Promise<number[]> {
    const client = this.connection(port);
    await client.connect();
    try {
      const { rows } = await client.query('select id from promised order by id');
      return rows.map(({ id }) => Number(id));
    } finally {
      await client.end();
    }
  }

  /** The same rows on all three, once the followers have replayed what the leader has. */
  async copies(): Promise<number[][]> {
    await this.whole();
    const wanted = (await this.rows(this.leader.node.port)).length;
    const result: number[][] = [];
    for (const { node } of this.trio.members.values()) {
      let rows: number[] = [];
      while (rows.length < wanted) rows = await this.#rowsOnceWhole(() => node.port);
      result.push(rows);
    }
    return result;
  }

  /** A node that is started again just now refuses connections, and answers once all is whole. */
  async #rowsOnceWhole(port: () => number): Promise<number[]> {
    for (;;) {
      try {
        return await this.rows(port());
      } catch {
        await this.whole(); // until the test's own deadline
      }
    }
  }

  /** What a supervisor's death leaves behind: nodes that run and nobody who looks after them. */
  abandon(): void {
    this.trio.abandon();
    this.#trio = null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#trio?.stop();
    rmSync(this.home, { recursive: true, force: true });
  }
}

/** Inserts one row after the other at whichever leader is published, until it is stopped. */
export class Writer {
  readonly acknowledged = new Set<number>();
  /** When the last acknowledgements came, and the longest time between two. */
  longestGapMs = 0;
  #last = performance.now();
  #next: number;
  #isStopped = false;
  readonly #done: Promise<void>;
  readonly #fixture: TrioFixture;

  constructor(fixture: TrioFixture, from: number) {
    this.#fixture = fixture;
    this.#next = from;
    this.#done = this.#run();
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      const { leader } = this.#fixture.published;
      if (leader === null) {
        await this.#fixture.until('a leader', () => this.#hasLeader() || this.#isStopped);
        continue;
      }
      await this.#writeTo(leader.port).catch(() => {}); // what was not acknowledged is unknown
    }
  }

  #hasLeader(): boolean {
    return this.#fixture.published.leader !== null;
  }

  async #writeTo(port: number): Promise<void> {
    const client = this.#fixture.connection(port);
    const ended = new Promise<never>((_, reject) => {
      client.once('end', () => reject(new Error('the connection ended')));
    });
    ended.catch(() => {});
    await client.connect();
    try {
      while (!this.#isStopped && this.#fixture.published.leader?.port === port) {
        const id = this.#next++;
        const insert = client.query('insert into promised (id) values ($1)', [id]);
        insert.catch(() => {});
        await Promise.race([insert, ended, this.#leaderChange(port)]);
        this.acknowledged.add(id);
        const now = performance.now();
        this.longestGapMs = Math.max(this.longestGapMs, now - this.#last);
        this.#last = now;
      }
    } finally {
      (
        client as unknown as { connection: { stream: { destroy(): void } } }
      ).connection.stream.destroy();
    }
  }

  /** Rejects when another leader is published: an answer of the old one is not believed. */
  async #leaderChange(port: number): Promise<never> {
    await this.#fixture.until(
      'another leader',
      () => this.#isStopped || this.#fixture.published.leader?.port !== port,
      600_000,
    );
    throw new Error('another leader');
  }

  /** Resolves when that many more were acknowledged. */
  async more(count: number): Promise<void> {
    const wanted = this.acknowledged.size + count;
    await this.#fixture.until(`${count} more rows`, () => this.acknowledged.size >= wanted);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#done;
  }
}
