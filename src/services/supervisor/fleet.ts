/**
 * The services of one machine: starts them, restarts those that died, drains before it stops.
 *
 * An instance is *starting* (its process runs), *ready* (it reported its address), *draining* (it
 * gets no new requests and finishes what it has) or *waiting* (its process ended; it is started
 * again after a pause that doubles with each early end). A *parked* instance is a spare: it runs,
 * but does no work. The next start of its role takes it; when an instance of its role ends, the two
 * change places and nobody waits for a boot. Never: two live processes of one id.
 */
import type { ChildProcess } from 'node:child_process';
import { availableParallelism } from 'node:os';
import type { ServiceInstance } from '../../kit/cluster/directory.ts';
import type { Log } from '../../kit/log.ts';
import { RetryPause } from './retry-pause.ts';
import { launch } from './service-process.ts';

/** After this long a process counts as healthy: its next pause is the shortest again. */
const healthyMs = 10_000;
/** Time for all to read that an instance drains, before it gets its SIGTERM. */
const drainNoticeMs = 30;
const drainMsMax = 4_000;
/** A process that boots longer than this no longer delays the boots of others. */
const bootMsMax = 5_000;
/**
 * How many processes of one role boot at the same time. A boot needs only the processor: of ten at
 * once on two cores all are late; in turn, the first can work after a tenth of the time.
 */
const bootsAtOnceMax = Math.max(2, availableParallelism());

interface Member {
  readonly id: string;
  readonly role: string;
  state: 'starting' | 'ready' | 'draining' | 'waiting';
  parked: boolean;
  /** Its present process was started as a spare: it begins to work at the message `go`. */
  awaitsGo: boolean;
  child: ChildProcess | null;
  url: string;
  since: number;
  timer: NodeJS.Timeout | null;
  onReady: ((id: string) => void)[];
  /** Called when its process has ended. */
  onDrained: (() => void)[];
}

export interface FleetOptions {
  readonly home: string;
  readonly log: Log;
  readonly envOf: (role: string) => Readonly<Record<string, string>>;
  /** Called with all living instances whenever one changed. */
  readonly publish: (services: readonly ServiceInstance[]) => void;
  /** Called for a process that ended before it was ready, once for each reason in a row. */
  readonly onFailedStart?: (id: string, why: string) => void;
  /** Called when one is ready again after its process ended. */
  readonly onRestarted?: (id: string) => void;
  /** How a process is started; tests play that. */
  readonly launch?: typeof launch;
}

export class Fleet {
  readonly #options: FleetOptions;
  readonly #members = new Map<string, Member>();
  readonly #pauses = new RetryPause();
  #stopping = false;

  constructor(options: FleetOptions) {
    this.#options = options;
  }

  /** Living instances, by role or all. */
  instances(role?: string): readonly ServiceInstance[] {
    const members = [...this.#members.values()];
    return members.flatMap((member) => {
      const { id, url, child, since } = member;
      if (member.parked || member.state === 'waiting' || child?.pid === undefined) return [];
      if (role !== undefined && member.role !== role) return [];
      const instance: ServiceInstance = {
        id,
        role: member.role,
        url,
        state: member.state,
        pid: child.pid,
        since: new Date(since).toISOString(),
      };
      return [instance];
    });
  }

  /** How many of a role are wanted now: living, or about to be started again. */
  count(role: string): number {
    const members = [...this.#members.values()];
    return members.filter((each) => each.role === role && !each.parked && each.state !== 'draining')
      .length;
  }

  /** The ids that `count` counts, the youngest first: those without a process, then by age. */
  youngestFirst(role: string): readonly string[] {
    const own = [...this.#members.values()].filter(
      (each) => each.role === role && !each.parked && each.state !== 'draining',
    );
    const age = ({ child, since }: Member): number =>
      child === null ? Number.POSITIVE_INFINITY : since;
    return own.toSorted((a, b) => (age(a) < age(b) ? 1 : -1)).map(({ id }) => id);
  }

  /** Boots a spare of the role, unless there is one. */
  park(role: string): void {
    if (!this.#stopping && this.#parked(role).length === 0)
      this.#launch(this.#addMember(role, true));
  }

  /** Resolves with the id once the new instance is ready: at once where a spare was parked. */
  start(role: string): Promise<string> {
    const parked = this.#parked(role);
    const spare = parked.find(({ state }) => state === 'ready') ?? parked[0];
    const member = spare ?? this.#addMember(role, false);
    const ready = new Promise<string>((resolve) => {
      member.onReady.push(resolve);
    });
    if (spare === undefined) this.#launchNext(role);
    else this.#unpark(spare);
    return ready;
  }

  #parked(role: string): Member[] {
    return [...this.#members.values()].filter(
      (each) => each.role === role && each.parked && each.state !== 'draining',
    );
  }

  /** Launches those who wait for their first boot, as many as may boot at once. */
  #launchNext(role: string): void {
    const own = [...this.#members.values()].filter((each) => each.role === role);
    const isBooting = ({ state, since }: Member): boolean =>
      state === 'starting' && Date.now() - since < bootMsMax;
    let booting = own.filter(isBooting).length;
    for (const member of own) {
      if (member.state !== 'waiting' || member.timer !== null) continue;
      if (booting >= bootsAtOnceMax) return;
      booting += 1;
      this.#launch(member);
    }
  }

  #unpark(member: Member): void {
    member.parked = false;
    member.since = Date.now();
    if (member.state === 'ready') this.#letWork(member);
    this.#publish();
  }

  /** It can work now: sends `go` to a spare, and answers everyone who waits for this instance. */
  #letWork(member: Member): void {
    if (member.awaitsGo) member.child?.send({ type: 'go' }, () => {}); // a death is seen as an exit
    for (const resolve of member.onReady.splice(0)) resolve(member.id);
  }

  #addMember(role: string, parked: boolean): Member {
    let number = 1;
    while (this.#members.has(`${role}-${number}`)) number += 1;
    const member: Member = {
      id: `${role}-${number}`,
      role,
      state: 'waiting',
      parked,
      awaitsGo: false,
      child: null,
      url: '',
      since: Date.now(),
      timer: null,
      onReady: [],
      onDrained: [],
    };
    this.#members.set(member.id, member);
    return member;
  }

  /** Takes an instance out: no new work, then SIGTERM, SIGKILL only if it does not end. */
  async drain(id: string, msMax = drainMsMax): Promise<void> {
    const member = this.#members.get(id);
    if (member === undefined) return;
    if (member.timer !== null) clearTimeout(member.timer);
    const { child } = member;
    if (member.state === 'waiting' || child === null) {
      this.#members.delete(id);
      return;
    }
    member.state = 'draining';
    this.#publish();
    const drained = new Promise<void>((resolve) => {
      member.onDrained.push(resolve);
    });
    setTimeout(() => child.kill('SIGTERM'), drainNoticeMs);
    const kill = setTimeout(() => child.kill('SIGKILL'), msMax);
    await drained;
    clearTimeout(kill);
  }

  /** Ends a process; the fleet starts it again, as after a crash. */
  restart(id: string): void {
    this.#members.get(id)?.child?.kill('SIGTERM');
  }

  /** Stops whole groups of roles one after the other; nothing is started again from now on. */
  async stop(groups: readonly (readonly string[])[], groupMsMax: number): Promise<void> {
    this.#stopping = true;
    for (const roles of groups) {
      const ids = [...this.#members.values()].filter(({ role }) => roles.includes(role));
      await Promise.all(ids.map(({ id }) => this.drain(id, groupMsMax)));
    }
  }

  #launch(member: Member): void {
    if (this.#stopping) return;
    const { home, envOf, launch: launchProcess = launch } = this.#options;
    member.timer = null;
    member.state = 'starting';
    member.since = Date.now();
    member.url = '';
    member.awaitsGo = member.parked;
    try {
      member.child = launchProcess({
        role: member.role,
        id: member.id,
        home,
        env: { ...envOf(member.role), ...(member.parked ? { DOORBUSTER_PARKED: '1' } : {}) },
        onReady: (url) => this.#ready(member, url),
        onExit: (code, signal, why) =>
          this.#exited(member, why ?? `it ended with ${signal ?? code}`),
      });
      this.#publish();
    } catch (error) {
      this.#exited(member, (error as Error).message); // no room for its log, no process left
    }
  }

  #ready(member: Member, url: string): void {
    if (member.state !== 'starting') return;
    member.state = 'ready';
    member.url = url;
    this.#launchNext(member.role);
    if (member.parked) return;
    if (member.onReady.length === 0) this.#options.onRestarted?.(member.id);
    this.#letWork(member);
    this.#publish();
  }

  #exited(member: Member, why: string): void {
    const { log, onFailedStart } = this.#options;
    const draining = member.state === 'draining';
    member.child = null;
    if (draining || this.#stopping) {
      this.#members.delete(member.id);
      for (const resolve of member.onDrained.splice(0)) resolve();
      this.#publish();
      this.#launchNext(member.role);
      return;
    }
    const lived = Date.now() - member.since;
    const { id } = member;
    if (lived >= healthyMs) this.#pauses.succeeded(id);
    const isNew = this.#pauses.failed(id, why, Date.now());
    const pauseMs = this.#pauses.msUntilTry(id, Date.now());
    if (member.state === 'starting' && isNew) onFailedStart?.(id, why);
    member.state = 'waiting';
    if (isNew) log.warn({ service: id, why, lived }, 'died; it is started again until it lives');
    this.#replaceBySpare(member);
    this.#publish();
    member.timer = setTimeout(() => this.#launch(member), pauseMs);
    this.#launchNext(member.role);
  }

  /** The spare takes the place of the one that ended, which becomes the spare at its next start. */
  #replaceBySpare(dead: Member): void {
    const spare = this.#parked(dead.role).find(({ state }) => state === 'ready');
    if (dead.parked || spare === undefined) return;
    dead.parked = true;
    spare.onReady.push(...dead.onReady.splice(0));
    this.#unpark(spare);
  }

  #publish(): void {
    this.#options.publish(this.instances());
  }
}
