/**
 * The thin executor of the failover: collects what is seen of the nodes, lets `decide` decide,
 * carries out its actions, and publishes the leader. Every step is logged with its sentence.
 *
 * One pass runs at a time. Steps that take a while (a fence, a promotion, a copy) mark their node
 * as busy and wake the next pass when they end; a pass never waits for them. Only the register is
 * written inside the pass, because nothing may happen before it is on disk.
 */
import type { Action, Publication } from '../../../replication/action.ts';
import { decide } from '../../../replication/failover.ts';
import { emptyMemory, type Memory } from '../../../replication/failover-memory.ts';
import type { Leadership, NodeId } from '../../../replication/leadership.ts';
import type { NodeSeen, Task, View } from '../../../replication/observation.ts';
import { failuresMax, timing } from '../../../replication/timing.ts';
import { untilNextTickMs } from '../aligned-timer.ts';
import { isSuspended } from '../process-table.ts';
import { RetryPause } from '../retry-pause.ts';
import type { DatabasePasswords } from '../secrets.ts';
import type { PostgresNode } from './node.ts';
import { Probe } from './probe.ts';
import type { Register } from './register.ts';
import { slotName } from './settings.ts';
import { createSlots, type StepContext, steps } from './steps.ts';
import type { TrioNode } from './trio-node.ts';

const passEveryMs = 125;
/** A pass that is this late means that our own process stood still. */
const lateMsMax = 250;
const handOverMsMax = 10_000;
/** For so long a follower may be unable to read its log while it starts. */
const brokenLogMsMin = 3_000;
const stopMsMax = { leader: 1_500, follower: 700 } as const;

export interface TrioOptions {
  readonly nodes: readonly PostgresNode[];
  readonly leadership: Leadership;
  readonly register: Register;
  readonly passwords: DatabasePasswords;
  /** All nodes lie on one file system: replacing a leader whose disk is full would not help. */
  readonly isDiskShared: boolean;
  /** Settles when what the first start wrote is safe from a power cut. */
  readonly durable: Promise<void>;
  readonly onPublish: (leadership: Leadership, publication: Publication) => void;
}

export type StepListener = (why: string, kind: Action['kind'], node: NodeId | null) => void;

export class Trio {
  readonly members: ReadonlyMap<NodeId, TrioNode>;
  #leadership: Leadership;
  #memory: Memory = emptyMemory;
  #publication: Publication = { leader: null, followers: [] };
  #handOver: { to: NodeId; since: number } | null = null;
  #timer: NodeJS.Timeout | undefined;
  #lastPass = performance.now();
  #isPassing = false;
  #isStopped = false;
  #isKeepingSlots = false;
  readonly #pauses = new RetryPause();
  readonly #listeners: StepListener[] = [];
  readonly #waiting = new Set<() => void>();
  readonly #options: TrioOptions;

  constructor(options: TrioOptions) {
    this.#options = options;
    this.#leadership = options.leadership;
    const common = {
      peers: () => options.nodes,
      password: options.passwords.postgres,
      isDiskShared: options.isDiskShared,
      onAnswer: this.#wake,
    };
    this.members = new Map(
      options.nodes.map((node) => [
        node.id,
        {
          node,
          probe: new Probe({ ...common, node }),
          task: null,
          failures: 0,
          goneAt: Number.NEGATIVE_INFINITY,
          copied: null,
          stepError: null,
          reported: new Set<string>(),
        },
      ]),
    );
    for (const member of this.members.values()) {
      member.node.onExit = (signal) => this.#ended(member, signal);
    }
  }

  get leadership(): Leadership {
    return this.#leadership;
  }

  /** Settles when the first start's data is on disk; only then may the shop be called ready. */
  get durable(): Promise<void> {
    return this.#options.durable;
  }

  /** Where the leadership is written down. */
  get registerFile(): string {
    return this.#options.register.file;
  }

  get publication(): Publication {
    return this.#publication;
  }

  start(): void {
    const pass = (): void => {
      this.#pass();
      if (!this.#isStopped) this.#timer = setTimeout(pass, untilNextTickMs(passEveryMs));
    };
    pass();
  }

  /** Resolves when a leader whose commits are confirmed is published. */
  async untilPublished(deadlineMs: number): Promise<void> {
    if (this.#publication.leader !== null) return;
    await new Promise<void>((resolve, reject) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(done);
        reject(new Error(`no database leader within ${deadlineMs / 1000} s`));
      }, deadlineMs);
      this.#waiting.add(done);
    });
  }

  /** `listener` gets every step with the sentence that explains it. */
  onStep(listener: StepListener): void {
    this.#listeners.push(listener);
  }

  #report(why: string, kind: Action['kind'], node: NodeId | null): void {
    for (const listener of this.#listeners) listener(why, kind, node);
  }

  /** A repeated step is reported once for each reason, until the node has answered again. */
  #reportOnce(why: string, kind: Action['kind'], { node, reported }: TrioNode): void {
    if (reported.has(why)) return;
    reported.add(why);
    this.#report(why, kind, node.id);
  }

  /** Asks for a planned change of the leader; it happens when no follower lags. */
  handOver(to: NodeId): void {
    this.#handOver = { to, since: performance.now() };
    this.#wake();
  }

  /** Stops the passes and leaves the nodes running. */
  abandon(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    for (const { probe } of this.members.values()) probe.close();
  }

  /**
   * Leader first, so that the followers get all of its log; then the followers. Whoever takes too
   * long is fenced, which costs the next start some time and nothing else.
   */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    const leader = this.members.get(this.#leadership.leader);
    await leader?.node.stop(stopMsMax.leader);
    const all = [...this.members.values()];
    await Promise.all(all.map(({ node }) => node.stop(stopMsMax.follower)));
    for (const { probe } of all) probe.close();
  }

  /**
   * Starts that fail are a sign of damaged data. SIGKILL from outside (a person, or the system that
   * has no memory left) is not; any other signal was caused by the node itself.
   */
  #ended(member: TrioNode, signal: NodeJS.Signals | null): void {
    const isOurs = member.task === 'fencing'; // it hung: that counts, too
    const failed = member.probe.answer === null && member.task !== 'stopping';
    if (failed && (signal !== 'SIGKILL' || isOurs)) {
      member.failures += 1;
      const { id } = member.node;
      this.#reportOnce(
        `${id} ended as it started: ${member.node.failureReason() ?? signal}`,
        'start',
        member,
      );
    }
    member.goneAt = performance.now();
    member.probe.reset();
    this.#wake();
  }

  readonly #wake = (): void => {
    if (!this.#isStopped) setImmediate(this.#pass);
  };

  #view(now: number): View {
    const nodes = new Map<NodeId, NodeSeen>();
    for (const [id, { node, probe, task, failures, goneAt }] of this.members) {
      const isGone = node.running === null;
      const silentMs = now - probe.askedAt;
      nodes.set(id, {
        data: task === 'rebuilding' ? { kind: 'none' } : node.data(),
        process: isGone ? 'gone' : 'running',
        task,
        answer: isGone ? null : probe.answer,
        silentMs,
        excusedMs: probe.excusedMs,
        // Read only when it matters: it costs a system call.
        isSuspended:
          silentMs > timing.suspendedMsMax && node.running !== null && isSuspended(node.running),
        goneMs: isGone ? now - goneAt : 0,
        failures,
      });
    }
    return { now, leadership: this.#leadership, nodes, handOver: this.#handOver };
  }

  readonly #pass = (): void => {
    if (this.#isStopped || this.#isPassing) return;
    this.#isPassing = true;
    try {
      const now = performance.now();
      this.#excuseOwnAbsence(now);
      for (const member of this.members.values()) {
        if (member.probe.answer === null) {
          this.#giveUpBrokenLog(member, now);
          continue;
        }
        member.failures = 0;
        member.reported.clear();
      }
      this.#keepSlots();
      // Each change of the register is followed by a new decision; there are few in a row.
      for (let round = 0; round < 5 && this.#decideOnce(now); round += 1);
    } finally {
      this.#isPassing = false;
    }
  };

  /**
   * A follower whose log was cut does not end: it tries to read it for ever. It is as good as one
   * that could not be started often enough, and is copied anew.
   */
  #giveUpBrokenLog(member: TrioNode, now: number): void {
    const { node, probe } = member;
    const isFollower = node.id !== this.#leadership.leader && node.running !== null;
    const isTried = now - probe.askedAt - probe.excusedMs > brokenLogMsMin;
    if (!isFollower || !isTried || member.failures >= failuresMax) return;
    const reason = node.failureReason() ?? '';
    if (!reason.startsWith('could not read from WAL segment')) return;
    member.failures = failuresMax;
    this.#reportOnce(`${node.id} cannot go on: ${reason}`, 'start', member);
  }

  /** The leader keeps the log for every voter, also while that voter is away. */
  #keepSlots(): void {
    const { leader, voters } = this.#leadership;
    const member = this.members.get(leader);
    if (member?.probe.answer?.role !== 'leader' || this.#isKeepingSlots) return;
    const missing = voters.filter((voter) => !member.probe.slots.includes(slotName(voter)));
    if (missing.length === 0 || !this.#pauses.mayTry('slots', performance.now())) return;
    this.#isKeepingSlots = true;
    createSlots(member.node, this.#options.passwords.postgres, missing)
      .then(
        () => this.#pauses.succeeded('slots'),
        (error: Error) => this.#pauses.failed('slots', error.message, performance.now()),
      )
      .finally(() => {
        this.#isKeepingSlots = false;
      });
  }

  #excuseOwnAbsence(now: number): void {
    const lateMs = now - this.#lastPass - passEveryMs;
    this.#lastPass = now;
    if (lateMs < lateMsMax) return;
    for (const { probe } of this.members.values()) probe.excuse(lateMs);
    this.#memory = emptyMemory; // its times include our own standstill
  }

  /** True where the register changed. */
  #decideOnce(now: number): boolean {
    if (this.#handOver !== null && now - this.#handOver.since > handOverMsMax)
      this.#handOver = null;
    const decision = decide(this.#view(now), this.#memory);
    this.#memory = decision.memory;
    this.#publish(decision.publication);
    for (const action of decision.actions) {
      if (action.kind !== 'persist') {
        this.#perform(action);
        continue;
      }
      if (!this.#persist(action.leadership)) return false;
      this.#report(action.why, action.kind, null);
      if (this.#handOver?.to === action.leadership.leader) this.#handOver = null;
      return true;
    }
    return false;
  }

  /** False where it could not be written (disk full): then it is not so, and is decided again. */
  #persist(leadership: Leadership): boolean {
    if (!this.#pauses.mayTry('persist', performance.now())) return false;
    try {
      this.#options.register.write(leadership);
      this.#pauses.succeeded('persist');
    } catch (error) {
      const why = `the register cannot be written: ${(error as Error).message}`;
      if (this.#pauses.failed('persist', why, performance.now()))
        this.#report(why, 'persist', null);
      // It may have failed behind the rename: what a successor would read is what holds.
      const isKept = JSON.stringify(this.#options.register.read()) === JSON.stringify(leadership);
      if (!isKept) return false;
    }
    this.#leadership = leadership;
    return true;
  }

  #publish(publication: Publication): void {
    const before = JSON.stringify(this.#publication);
    this.#publication = publication;
    const isLeaderless = publication.leader === null;
    for (const { probe } of this.members.values()) probe.hurry(isLeaderless);
    if (!isLeaderless) for (const done of [...this.#waiting]) done();
    if (before === JSON.stringify(publication)) return;
    this.#options.onPublish(this.#leadership, publication);
  }

  #perform(action: Exclude<Action, { kind: 'persist' }>): void {
    const member = this.members.get(action.node);
    if (member === undefined) throw new Error(`no node is called ${action.node}`);
    const what = `${action.kind} ${action.node}`;
    if (!this.#pauses.mayTry(what, performance.now())) return;
    const context: StepContext = {
      member,
      members: this.members,
      leadership: this.#leadership,
      passwords: this.#options.passwords,
    };
    const step = steps(action, context);
    if (step === null) return;
    if (!this.#pauses.isFailing(what)) this.#reportOnce(action.why, action.kind, member);
    if (step.task !== null) member.task = step.task;
    step.run().then(
      () => {
        this.#pauses.succeeded(what);
        this.#finished(member, step.task, null);
      },
      (error: Error) => {
        const { id } = member.node;
        const isNew = this.#pauses.failed(what, error.message, performance.now());
        if (isNew) this.#report(`${id}: ${error.message}`, action.kind, id);
        this.#finished(member, step.task, error);
      },
    );
  }

  #finished(member: TrioNode, task: Task | null, error: Error | null): void {
    if (task !== null && member.task === task) member.task = null;
    member.stepError = error?.message ?? null;
    if (error !== null) {
      if (task === 'rebuilding') {
        member.failures += 1;
        member.goneAt = performance.now();
      }
    } else if (task === 'rebuilding') member.failures = 0;
    this.#wake();
  }
}
