/**
 * What the control room shows: one report a second at most, made only while somebody watches, and
 * shared by all who watch.
 */
import type {
  ClusterDatabase,
  ClusterReport,
  ClusterService,
  ScalingStepTaken,
} from '../../api/control.ts';
import type { ServiceInstance } from '../../kit/cluster/directory.ts';
import { OrderNumbers } from './postgres/order-numbers.ts';
import type { Trio } from './postgres/trio.ts';
import type { TrioNode } from './postgres/trio-node.ts';
import { RequestRates } from './request-rates.ts';
import { type Ask, askQueue } from './scaling-observer.ts';
import { UsageMeter } from './usage-meter.ts';

const freshMs = 900;
const stepsKept = 50;
/** Shown as hanging after this long; acted on later. */
const hungMs = 1_000;

export interface ClusterReportOptions {
  readonly trio: Trio;
  readonly services: () => readonly ServiceInstance[];
  readonly scaling: () => readonly ScalingStepTaken[];
  /** Asks a service about itself. */
  readonly ask: Ask;
  readonly databasePassword: string;
}

export class ClusterReporter {
  readonly #options: ClusterReportOptions;
  readonly #rates: RequestRates;
  readonly #usage = new UsageMeter();
  readonly #orders: OrderNumbers;
  readonly #steps: { at: string; why: string }[] = [];
  #queue: ClusterReport['queue'] = {
    depth: 0,
    oldestAgeSeconds: 0,
    arrivalsPerSecond: 0,
    servicePerSecond: 0,
  };
  #last: { at: number; report: Promise<ClusterReport> } | null = null;

  constructor(options: ClusterReportOptions) {
    this.#options = options;
    this.#rates = new RequestRates(options.ask);
    this.#orders = new OrderNumbers(options.databasePassword);
  }

  /** A sentence for the control room. */
  note(why: string): void {
    this.#steps.push({ at: new Date().toISOString(), why });
    if (this.#steps.length > stepsKept) this.#steps.shift();
  }

  report(): Promise<ClusterReport> {
    const now = performance.now();
    if (this.#last !== null && now - this.#last.at < freshMs) return this.#last.report;
    const report = this.#make();
    report.catch(() => {
      this.#last = null;
    });
    this.#last = { at: now, report };
    return report;
  }

  close(): void {
    this.#orders.close();
  }

  async #make(): Promise<ClusterReport> {
    const { trio, services, scaling, ask } = this.#options;
    const instances = services();
    const [figures] = await Promise.all([
      askQueue(ask, instances),
      this.#rates.refresh(instances, performance.now()),
    ]);
    if (figures !== null) {
      const { depth, oldestAgeSeconds, arrivalsPerSecond, servicePerSecond } = figures;
      this.#queue = { depth, oldestAgeSeconds, arrivalsPerSecond, servicePerSecond };
    }
    const database = await Promise.all(
      [...trio.members.values()].map((member) => this.#describeNode(trio, member)),
    );
    return {
      epoch: trio.leadership.epoch,
      services: instances.map((instance) => this.#describeService(instance)),
      database,
      queue: this.#queue,
      scaling: [...scaling()],
      steps: [...this.#steps],
    };
  }

  #describeService({ id, role, state, pid, since }: ServiceInstance): ClusterService {
    const { cpu, memoryBytes } = this.#usage.read(`${id}/${pid}`, [pid]);
    const requestsPerSecond = this.#rates.rateOf(pid);
    return { id, role, state, pid, since, cpu, memoryBytes, requestsPerSecond };
  }

  async #describeNode(trio: Trio, member: TrioNode): Promise<ClusterDatabase> {
    const { node, probe } = member;
    const { leader, voters } = trio.leadership;
    const leaderAnswer = trio.members.get(leader)?.probe.answer;
    const end = leaderAnswer?.role === 'leader' ? leaderAnswer.lsn : null;
    const own = probe.answer?.lsn ?? null;
    const { cpu, memoryBytes } = this.#usage.read(node.id, node.processes());
    return {
      id: node.id,
      role: node.id === leader ? 'leader' : 'follower',
      state: stateOf(trio, member),
      votes: node.id === leader || voters.includes(node.id),
      lsn: own === null ? null : lsnText(own),
      lagBytes: end === null || own === null ? null : Math.max(0, end - own),
      lastOrderNumber: node.running === null ? null : await this.#orders.last(node),
      copiedShare: member.copied,
      cpu,
      memoryBytes,
    };
  }
}

export function stateOf(trio: Trio, { node, probe, task }: TrioNode): string {
  if (task !== null) return task;
  if (node.running === null) return 'gone';
  if (probe.answer === null) return 'starting';
  if (performance.now() - probe.askedAt > hungMs) return 'hung';
  if (probe.answer.role === 'leader') return 'ready';
  const leader = trio.members.get(trio.leadership.leader)?.probe.answer;
  return leader?.role === 'leader' && leader.streaming.has(node.id) ? 'ready' : 'detached';
}

/** A position in the log as PostgreSQL writes it. */
export function lsnText(bytes: number): string {
  const high = Math.floor(bytes / 2 ** 32);
  const low = bytes % 2 ** 32;
  return `${high.toString(16).toUpperCase()}/${low.toString(16).toUpperCase()}`;
}
