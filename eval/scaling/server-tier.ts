/**
 * One tier of the simulated shop: a waiting line and servers that work on one request at a time.
 *
 * A server boots, is idle or busy, drains when it must stop while busy, and is gone. It is
 * paid for from its order until it is gone. Stopping takes the youngest booting server first, then
 * idle ones, then busy ones, which finish what they have.
 */
import type { TierView } from './fleet-policy.ts';
import { WaitingLine } from './waiting-line.ts';

const booting = 0;
const idle = 1;
const busy = 2;
const draining = 3;
const gone = 4;

export class ServerTier implements TierView {
  readonly line = new WaitingLine();
  ready = 0;
  booting = 0;
  arrivedTotal = 0;
  doneTotal = 0;
  droppedTotal = 0;
  busyMsTotal = 0;
  bootsMs: number[] = [];
  /** Servers ordered or stopped: scaling actions. */
  starts = 0;
  stops = 0;
  private readonly state: number[] = [];
  private readonly changedAt: number[] = [];
  /** Idle servers; the last one to become idle works next, so that surplus ones stay idle. */
  private readonly idleServers: number[] = [];
  private readonly bootingServers: number[] = [];
  private paidServers = 0;
  private paidSince = 0;
  private paidMs = 0;
  private now = 0;

  private readonly sentAt: (client: number) => number;
  private readonly onOrder: (server: number) => void;

  constructor(sentAt: (client: number) => number, onOrder: (server: number) => void) {
    this.sentAt = sentAt;
    this.onOrder = onOrder;
  }

  get waiting(): number {
    return this.line.length;
  }

  get oldestAgeMs(): number {
    const client = this.line.first();
    return client < 0 ? 0 : this.now - this.sentAt(client);
  }

  get fleet(): number {
    return this.ready + this.booting;
  }

  advance(now: number): void {
    this.now = now;
  }

  idleFor(ms: number): number {
    let count = 0;
    for (const server of this.idleServers) {
      if (this.now - (this.changedAt[server] as number) >= ms) count++;
    }
    return count;
  }

  /** Adds a server that is ready at once: only for the start of the run. */
  addReady(): void {
    const server = this.create(idle);
    this.ready++;
    this.idleServers.push(server);
  }

  scaleTo(target: number): void {
    while (this.fleet < target) {
      const server = this.create(booting);
      this.booting++;
      this.starts++;
      this.bootingServers.push(server);
      this.onOrder(server);
    }
    while (this.fleet > target) this.stopOne();
  }

  /** The boot of a server is over, unless it was stopped meanwhile. */
  finishBoot(server: number): void {
    if (this.state[server] !== booting) return;
    this.bootsMs.push(this.now - (this.changedAt[server] as number));
    this.bootingServers.splice(this.bootingServers.indexOf(server), 1);
    this.booting--;
    this.ready++;
    this.set(server, idle);
    this.idleServers.push(server);
  }

  /** Takes an idle server for work, or -1. */
  takeIdle(): number {
    const server = this.idleServers.pop();
    if (server === undefined) return -1;
    this.set(server, busy);
    return server;
  }

  /** A server finished its request, or found nothing worth doing. */
  release(server: number, worked: boolean): void {
    if (worked) {
      this.doneTotal++;
      this.busyMsTotal += this.now - (this.changedAt[server] as number);
    }
    if (this.state[server] === draining) {
      this.set(server, gone);
      this.pay(-1);
      return;
    }
    this.set(server, idle);
    this.idleServers.push(server);
  }

  /** Server-seconds paid until `now`. */
  serverSeconds(now: number): number {
    return (this.paidMs + this.paidServers * (now - this.paidSince)) / 1000;
  }

  private stopOne(): void {
    this.stops++;
    const cancelled = this.bootingServers.pop();
    if (cancelled !== undefined) {
      this.booting--;
      this.set(cancelled, gone);
      this.pay(-1);
      return;
    }
    this.ready--;
    const surplus = this.idleServers.shift();
    if (surplus !== undefined) {
      this.set(surplus, gone);
      this.pay(-1);
      return;
    }
    const last = this.state.lastIndexOf(busy);
    // A busy server keeps the time at which its work began: release() pays for it from there.
    this.state[last] = draining;
  }

  private create(state: number): number {
    const server = this.state.length;
    this.state.push(state);
    this.changedAt.push(this.now);
    this.pay(1);
    return server;
  }

  private set(server: number, state: number): void {
    this.state[server] = state;
    this.changedAt[server] = this.now;
  }

  private pay(servers: number): void {
    this.paidMs += this.paidServers * (this.now - this.paidSince);
    this.paidSince = this.now;
    this.paidServers += servers;
  }
}
