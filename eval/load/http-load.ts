/**
 * A load generator for one keep-alive HTTP/1.1 server on this machine: plain sockets and prepared
 * bytes, because on two cores whatever the generator burns is missing at the server.
 *
 * Closed loop: every connection sends its next request when its answer is there. Open loop:
 * requests are due at a fixed rate whether answers come or not, and latency counts from when a
 * request was *due*, so a stalled server cannot hide its queue (coordinated omission: Gil Tene).
 */
import { connect, type Socket } from 'node:net';
import { Latencies } from './latencies.ts';

export interface Answer {
  readonly status: number;
  readonly body: string;
}

export interface LoadOptions {
  readonly port: number;
  readonly host?: string;
  readonly connections: number;
  /** The bytes of request number `n`, on connection `lane`, or null when there are no more. */
  readonly next: (n: number, lane: number) => string | null;
  /** Requests per second; undefined means closed loop. */
  readonly ratePerSecond?: number;
  /** When each request is due, in milliseconds from the start, rising; instead of a rate. */
  readonly dueAtMs?: readonly number[];
  /** Nothing is sent after this. */
  readonly durationMs: number;
  /** Answers that have not come this long after the end are counted as unanswered. */
  readonly graceMs?: number;
  readonly onAnswer?: (n: number, answer: Answer, latencyMs: number, lane: number) => void;
  /** Bodies are decoded only when somebody looks at them. */
  readonly bodies?: boolean;
}

export interface LoadResult {
  readonly sent: number;
  readonly answered: number;
  readonly failed: number;
  readonly statuses: Readonly<Record<number, number>>;
  /** Of answers below 400, in milliseconds. */
  readonly latencies: Latencies;
  readonly seconds: number;
}

interface Lane {
  readonly index: number;
  socket: Socket | null;
  request: number;
  dueAt: number;
  busy: boolean;
  /** Waits in the open loop's stack for something to send. */
  idle: boolean;
  /** Until when the server keeps the idle connection, by its last answer; Infinity if unsaid. */
  keptUntil: number;
  rest: Buffer;
}

/** A server that refuses connections is asked again after this. */
const reopenMs = 20;
const headEnd = Buffer.from('\r\n\r\n');

class LoadRun {
  readonly #options: LoadOptions;
  /** Open loop. */
  readonly #paced: boolean;
  readonly #lanes: Lane[] = [];
  readonly #idle: Lane[] = [];
  /** Of the open loop: lanes without a connection. */
  readonly #closed: Lane[] = [];
  readonly #statuses: Record<number, number> = {};
  readonly #latencies = new Latencies();
  readonly #overdue: number[] = [];
  #opening = 0;
  #sent = 0;
  #answered = 0;
  #failed = 0;
  #exhausted = false;
  #startedAt = 0;
  #lastAnswerAt = 0;
  #finish: () => void = () => {};

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#paced = options.ratePerSecond !== undefined || options.dueAtMs !== undefined;
  }

  async run(): Promise<LoadResult> {
    const { connections, durationMs, graceMs = 15_000 } = this.#options;
    for (let i = 0; i < connections; i += 1) {
      this.#lanes.push({
        index: i,
        socket: null,
        request: 0,
        dueAt: 0,
        busy: false,
        idle: false,
        keptUntil: Number.POSITIVE_INFINITY,
        rest: Buffer.alloc(0),
      });
    }
    const schedule = this.#schedule();
    if (schedule === null) await Promise.all(this.#lanes.map((lane) => this.#open(lane)));
    this.#startedAt = performance.now();
    const done = new Promise<void>((resolve) => {
      this.#finish = resolve;
    });
    if (schedule === null) for (const lane of this.#lanes) this.#sendNext(lane);
    else this.#pace(schedule);
    const stop = setTimeout(() => {
      this.#exhausted = true;
      this.#finishWhenIdle();
    }, durationMs);
    const giveUp = setTimeout(() => this.#finish(), durationMs + graceMs);
    await done;
    clearTimeout(stop);
    clearTimeout(giveUp);
    this.#overdue.length = 0; // what was due and never sent must not keep the pacing alive
    this.#exhausted = true;
    for (const { socket } of this.#lanes) socket?.destroy();
    return {
      sent: this.#sent,
      answered: this.#answered,
      failed: this.#failed + (this.#sent - this.#answered - this.#failed),
      statuses: this.#statuses,
      latencies: this.#latencies,
      seconds: (this.#lastAnswerAt - this.#startedAt) / 1_000,
    };
  }

  /** When request `n` is due, in milliseconds from the start; null for a closed loop. */
  #schedule(): ((n: number) => number) | null {
    const { ratePerSecond, dueAtMs } = this.#options;
    if (dueAtMs !== undefined) return (n) => dueAtMs[n] ?? Number.POSITIVE_INFINITY;
    return ratePerSecond === undefined ? null : (n) => (n / ratePerSecond) * 1_000;
  }

  #pace(schedule: (n: number) => number): void {
    this.#closed.push(...this.#lanes);
    let due = 0;
    const tick = (): void => {
      if (this.#exhausted && this.#overdue.length === 0) return;
      const elapsedMs = performance.now() - this.#startedAt;
      while (schedule(due) < elapsedMs && !this.#exhausted) {
        this.#overdue.push(this.#startedAt + schedule(due));
        due += 1;
      }
      this.#sendOverdue();
      setTimeout(tick, 1);
    };
    tick();
  }

  #sendOverdue(): void {
    let taken = 0;
    while (taken < this.#overdue.length && this.#idle.length > 0) {
      const lane = this.#idle.pop();
      if (lane?.idle !== true) continue; // the server closed it meanwhile; it comes again
      lane.idle = false;
      // As browsers do: what is written while the server closes would get no answer.
      if (performance.now() > lane.keptUntil) {
        lane.socket?.destroy();
        continue;
      }
      this.#send(lane, this.#overdue[taken] ?? performance.now());
      taken += 1;
    }
    if (taken > 0) this.#overdue.splice(0, taken);
    const missing = this.#overdue.length - this.#opening;
    for (const lane of this.#closed.splice(0, Math.max(0, missing))) this.#reopen(lane);
  }

  #open(lane: Lane): Promise<void> {
    const { host = '127.0.0.1', port } = this.#options;
    return new Promise((resolve) => {
      const socket = connect({ host, port, noDelay: true });
      lane.socket = socket;
      lane.rest = Buffer.alloc(0);
      lane.keptUntil = Number.POSITIVE_INFINITY;
      socket.once('connect', () => resolve());
      socket.on('data', (chunk) => this.#read(lane, chunk));
      socket.on('error', () => resolve());
      socket.on('close', () => {
        lane.idle = false;
        if (lane.busy) {
          lane.busy = false;
          this.#failed += 1;
        }
        if (this.#exhausted) this.#finishWhenIdle();
        else if (this.#paced) this.#closed.push(lane);
        else setTimeout(() => this.#reopen(lane), reopenMs);
      });
    });
  }

  async #reopen(lane: Lane): Promise<void> {
    if (this.#exhausted) return;
    this.#opening += 1;
    await this.#open(lane);
    this.#opening -= 1;
    if (lane.socket?.readyState !== 'open') return;
    this.#free(lane);
  }

  #free(lane: Lane): void {
    if (!this.#paced) this.#sendNext(lane);
    else {
      lane.idle = true;
      this.#idle.push(lane);
    }
  }

  #sendNext(lane: Lane): void {
    if (!this.#exhausted) this.#send(lane, performance.now());
    if (this.#exhausted) this.#finishWhenIdle();
  }

  #send(lane: Lane, dueAt: number): void {
    const bytes = this.#options.next(this.#sent, lane.index);
    if (bytes === null || lane.socket === null) {
      this.#exhausted = true;
      this.#finishWhenIdle();
      return;
    }
    lane.request = this.#sent;
    lane.dueAt = dueAt;
    lane.busy = true;
    this.#sent += 1;
    lane.socket.write(bytes, 'latin1');
  }

  #finishWhenIdle(): void {
    if (this.#exhausted && this.#lanes.every((lane) => !lane.busy)) this.#finish();
  }

  #read(lane: Lane, chunk: Buffer): void {
    const bytes = lane.rest.length === 0 ? chunk : Buffer.concat([lane.rest, chunk]);
    const end = bytes.indexOf(headEnd);
    if (end < 0) {
      lane.rest = bytes;
      return;
    }
    const head = bytes.toString('latin1', 0, end);
    const length = contentLength(head);
    if (bytes.length < end + 4 + length) {
      lane.rest = bytes;
      return;
    }
    lane.rest = Buffer.alloc(0);
    if (!lane.busy) return;
    lane.busy = false;
    const status = Number(head.slice(9, 12));
    this.#lastAnswerAt = performance.now();
    const latencyMs = this.#lastAnswerAt - lane.dueAt;
    this.#answered += 1;
    this.#statuses[status] = (this.#statuses[status] ?? 0) + 1;
    if (status < 400) this.#latencies.add(latencyMs);
    if (this.#options.onAnswer !== undefined) {
      const body =
        this.#options.bodies === true ? bytes.toString('utf8', end + 4, end + 4 + length) : '';
      this.#options.onAnswer(lane.request, { status, body }, latencyMs, lane.index);
    }
    if (this.#paced) lane.keptUntil = this.#lastAnswerAt + keptMs(head);
    this.#free(lane);
  }
}

/** How long a server keeps a connection that does nothing: `keep-alive: timeout=` of its answer. */
function keptMs(head: string): number {
  const at = head.search(/\r\nkeep-alive: *timeout=/i);
  if (at < 0) return Number.POSITIVE_INFINITY;
  return Number.parseInt(head.slice(head.indexOf('=', at) + 1), 10) * 1_000;
}

function contentLength(head: string): number {
  const at = head.search(/content-length:/i);
  return at < 0 ? 0 : Number.parseInt(head.slice(at + 15), 10);
}

export function runLoad(options: LoadOptions): Promise<LoadResult> {
  return new LoadRun(options).run();
}
