/**
 * The shop as a discrete-event model: clients, a gateway tier, a central queue with a worker tier,
 * and one policy that says how many servers there should be.
 *
 * A request waits for a gateway (60 ms), then for a worker (200 ms and a database operation of
 * 50 ms, and the payment provider for a purchase). A page must be there within 1 s, a purchase
 * within 2 s. A request that cannot make it any more is dropped when its turn comes instead of
 * being worked on, for every policy alike; its client leaves unhappy. Nothing here is random: the
 * crowd was drawn before.
 */
import type { Crowd } from './crowd.ts';
import { EventQueue } from './event-queue.ts';
import type { FleetPolicy, ShopView } from './fleet-policy.ts';
import { ServerTier } from './server-tier.ts';

export const bootMs = 5000;
export const intakeMs = 60;
export const processingMs = 200;
export const databaseMs = 50;
export const pageDeadlineMs = 1000;
export const purchaseDeadlineMs = 2000;

/** What an unhappy client costs, in server-seconds. */
export const unhappyCost = 100;

export interface ShopOptions {
  readonly paymentMs: (now: number) => number;
  /** Database operations at a time; without it the database is never the limit. */
  readonly databaseSlots?: number;
  /** Called at every full second, for plots. */
  readonly onSecond?: (second: SecondSample) => void;
  /** Called for every client that is let down, with the tier in whose line it stood. */
  readonly onLost?: (tier: 'gateway' | 'worker', now: number) => void;
  /** Servers per tier that are ready at the start: 1, but for a rehearsal that needs no boots. */
  readonly readyAtStart?: number;
}

export interface SecondSample {
  readonly second: number;
  readonly workers: number;
  readonly gateways: number;
  readonly waiting: number;
  readonly requestsTotal: number;
  readonly unhappyTotal: number;
}

export interface Outcome {
  readonly clients: number;
  readonly requests: number;
  readonly unhappy: number;
  readonly serverSeconds: number;
  readonly cost: number;
  /** Seconds in which at least one client waited past its deadline or was turned away. */
  readonly letDownSeconds: number;
  /** Servers started and stopped. */
  readonly actions: number;
}

const sends = 0;
const gatewayDone = 1;
const workerDone = 2;
const gatewayBooted = 3;
const workerBooted = 4;
const look = 5;
const second = 6;
const processed = 7;
const kindBits = 3;

export function simulateShop(crowd: Crowd, policy: FleetPolicy, options: ShopOptions): Outcome {
  return new ShopSimulation(crowd, policy, options).run();
}

class ShopSimulation implements ShopView {
  visitsTotal = 0;
  readonly gateway: ServerTier;
  readonly worker: ServerTier;
  private readonly events = new EventQueue();
  private readonly sentAt: Float64Array;
  private readonly requestsDone: Uint8Array;
  /** Which client a busy server works for. */
  private readonly gatewayClient: number[] = [];
  private readonly workerClient: number[] = [];
  private readonly databaseLine: number[] = [];
  private databaseBusy = 0;
  private requests = 0;
  private unhappy = 0;
  private readonly letDown = new Set<number>();
  private nextArrival = 0;
  private now = 0;

  private readonly crowd: Crowd;
  private readonly policy: FleetPolicy;
  private readonly options: ShopOptions;

  constructor(crowd: Crowd, policy: FleetPolicy, options: ShopOptions) {
    this.crowd = crowd;
    this.policy = policy;
    this.options = options;
    this.sentAt = new Float64Array(crowd.clients);
    this.requestsDone = new Uint8Array(crowd.clients);
    const sentAt = (client: number) => this.sentAt[client] as number;
    const boots = (kind: number) => (server: number) => this.at(this.now + bootMs, kind, server);
    this.gateway = new ServerTier(sentAt, boots(gatewayBooted));
    this.worker = new ServerTier(sentAt, boots(workerBooted));
  }

  run(): Outcome {
    const { crowd, events, gateway, worker } = this;
    for (let server = 0; server < (this.options.readyAtStart ?? 1); server++) {
      gateway.addReady();
      worker.addReady();
    }
    this.at(0, look, 0);
    if (this.options.onSecond !== undefined) this.at(0, second, 0);
    this.scheduleArrival();
    while (events.size > 0 && events.nextTime() <= crowd.endMs) {
      this.now = events.nextTime();
      gateway.advance(this.now);
      worker.advance(this.now);
      const payload = events.pop();
      this.handle(payload & ((1 << kindBits) - 1), payload >> kindBits);
    }
    const serverSeconds = gateway.serverSeconds(crowd.endMs) + worker.serverSeconds(crowd.endMs);
    return {
      clients: crowd.clients,
      requests: this.requests,
      unhappy: this.unhappy,
      serverSeconds,
      cost: serverSeconds + unhappyCost * this.unhappy,
      letDownSeconds: this.letDown.size,
      actions: gateway.starts + gateway.stops + worker.starts + worker.stops,
    };
  }

  private handle(kind: number, id: number): void {
    if (kind === sends) this.send(id);
    else if (kind === gatewayDone) this.finishIntake(id);
    else if (kind === workerDone) this.finishRequest(id);
    else if (kind === processed) this.finishProcessing(id);
    else if (kind === gatewayBooted) this.finishBoot(this.gateway, id);
    else if (kind === workerBooted) this.finishBoot(this.worker, id);
    else if (kind === look) this.lookAndDecide();
    else this.sampleSecond();
  }

  private finishBoot(tier: ServerTier, server: number): void {
    tier.finishBoot(server);
    if (tier === this.gateway) this.dispatchIntake();
    else this.dispatchWork();
  }

  private at(time: number, kind: number, id: number): void {
    this.events.push(time, (id << kindBits) | kind);
  }

  private scheduleArrival(): void {
    if (this.nextArrival >= this.crowd.clients) return;
    this.at(this.crowd.arrivalMs[this.nextArrival] as number, sends, this.nextArrival);
    this.nextArrival++;
  }

  private lookAndDecide(): void {
    const size = this.policy.decide(this, this.now);
    this.gateway.bootsMs = [];
    this.worker.bootsMs = [];
    this.gateway.scaleTo(Math.max(1, size.gateways));
    this.worker.scaleTo(Math.max(1, size.workers));
    this.at(this.now + this.policy.periodMs, look, 0);
  }

  private send(client: number): void {
    if (this.requestsDone[client] === 0) {
      this.visitsTotal++;
      this.scheduleArrival();
    }
    this.requests++;
    this.sentAt[client] = this.now;
    this.gateway.arrivedTotal++;
    this.gateway.line.push(client);
    this.dispatchIntake();
  }

  private dispatchIntake(): void {
    const { gateway } = this;
    while (gateway.line.length > 0) {
      const client = gateway.line.first();
      if (this.now + intakeMs + this.workMs(client) > this.deadline(client)) {
        gateway.line.shift();
        this.turnAway(gateway);
        continue;
      }
      const server = gateway.takeIdle();
      if (server < 0) return;
      gateway.line.shift();
      this.gatewayClient[server] = client;
      this.at(this.now + intakeMs, gatewayDone, server);
    }
  }

  private finishIntake(server: number): void {
    const client = this.gatewayClient[server] as number;
    this.gateway.release(server, true);
    this.worker.arrivedTotal++;
    this.worker.line.push(client);
    this.dispatchWork();
    this.dispatchIntake();
  }

  private dispatchWork(): void {
    const { worker, options } = this;
    while (worker.line.length > 0) {
      const client = worker.line.first();
      const takesMs = this.workMs(client);
      if (this.now + takesMs > this.deadline(client)) {
        worker.line.shift();
        this.turnAway(worker);
        continue;
      }
      const server = worker.takeIdle();
      if (server < 0) return;
      worker.line.shift();
      this.workerClient[server] = client;
      if (options.databaseSlots === undefined) this.at(this.now + takesMs, workerDone, server);
      else this.at(this.now + takesMs - databaseMs, processed, server);
    }
  }

  private finishProcessing(server: number): void {
    if (this.databaseBusy >= (this.options.databaseSlots ?? Number.POSITIVE_INFINITY)) {
      this.databaseLine.push(server);
      return;
    }
    this.databaseBusy++;
    this.at(this.now + databaseMs, workerDone, server);
  }

  private finishRequest(server: number): void {
    const client = this.workerClient[server] as number;
    this.worker.release(server, true);
    if (this.options.databaseSlots !== undefined) {
      this.databaseBusy--;
      const next = this.databaseLine.shift();
      if (next !== undefined) this.finishProcessing(next);
    }
    if (this.now > this.deadline(client)) this.loseClient(this.worker);
    else this.answer(client);
    this.dispatchWork();
  }

  private answer(client: number): void {
    const done = this.requestsDone[client] as number;
    if (done === this.crowd.pages[client]) return;
    this.requestsDone[client] = done + 1;
    const think = this.crowd.thinkMs[(this.crowd.thinkStart[client] as number) + done] as number;
    this.at(this.now + think, sends, client);
  }

  private turnAway(tier: ServerTier): void {
    tier.droppedTotal++;
    this.loseClient(tier);
  }

  private loseClient(tier: ServerTier): void {
    this.options.onLost?.(tier === this.gateway ? 'gateway' : 'worker', this.now);
    this.unhappy++;
    this.letDown.add(Math.floor(this.now / 1000));
  }

  private buys(client: number): boolean {
    return this.requestsDone[client] === this.crowd.pages[client];
  }

  private workMs(client: number): number {
    const payment = this.buys(client) ? this.options.paymentMs(this.now) : 0;
    return processingMs + databaseMs + payment;
  }

  private deadline(client: number): number {
    const allowed = this.buys(client) ? purchaseDeadlineMs : pageDeadlineMs;
    return (this.sentAt[client] as number) + allowed;
  }

  private sampleSecond(): void {
    this.options.onSecond?.({
      second: Math.round(this.now / 1000),
      workers: this.worker.fleet,
      gateways: this.gateway.fleet,
      waiting: this.gateway.waiting + this.worker.waiting,
      requestsTotal: this.requests,
      unhappyTotal: this.unhappy,
    });
    this.at(this.now + 1000, second, 0);
  }
}
