import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ServiceInstance } from '../../kit/cluster/directory.ts';
import { createLog } from '../../kit/log.ts';
import { Fleet } from './fleet.ts';
import type { LaunchOptions } from './service-process.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A process that boots, works and dies when it is asked to. */
class PlayedProcess extends EventEmitter {
  readonly pid: number;
  readonly received: unknown[] = [];
  readonly launch: LaunchOptions;

  constructor(pid: number, launch: LaunchOptions) {
    super();
    this.pid = pid;
    this.launch = launch;
  }

  get id(): string {
    return this.launch.id;
  }

  get isParked(): boolean {
    return this.launch.env['DOORBUSTER_PARKED'] === '1';
  }

  send(message: unknown): void {
    this.received.push(message);
  }

  boots(): void {
    this.launch.onReady(`http://${this.id}`);
  }

  kill(signal: string): void {
    this.received.push(signal);
  }

  dies(why?: string): void {
    this.launch.onExit(null, 'SIGKILL', why);
    this.emit('exit', null, 'SIGKILL');
  }
}

class PlayedFleet {
  readonly processes: PlayedProcess[] = [];
  published: readonly ServiceInstance[] = [];
  readonly failures: string[] = [];
  noRoom = false;
  readonly fleet: Fleet;

  constructor() {
    this.fleet = new Fleet({
      home: '/nowhere',
      log: createLog('test', 'silent'),
      envOf: () => ({}),
      publish: (services) => {
        this.published = services;
      },
      onFailedStart: (id, why) => this.failures.push(`${id}: ${why}`),
      onRestarted: (id) => this.failures.push(`${id} again`),
      launch: ((options: LaunchOptions) => {
        if (this.noRoom) throw new Error('ENOSPC: no space left on device');
        const child = new PlayedProcess(this.processes.length + 1, options);
        this.processes.push(child);
        return child;
      }) as never,
    });
  }

  process(at: number): PlayedProcess {
    return this.processes[at] as PlayedProcess;
  }

  get ready(): string[] {
    return this.published.filter(({ state }) => state === 'ready').map(({ id }) => id);
  }
}

function workerWithSpare(): PlayedFleet {
  const played = new PlayedFleet();
  void played.fleet.start('worker');
  played.process(0).boots();
  played.fleet.park('worker');
  played.process(1).boots();
  expect(played.ready).toEqual(['worker-1']);
  return played;
}

describe('a service that dies', () => {
  it('is started again after a pause that doubles with each early death', () => {
    const played = new PlayedFleet();
    void played.fleet.start('worker');
    for (const pauseMs of [100, 200, 400]) {
      const living = played.processes.length;
      played.process(living - 1).boots();
      played.process(living - 1).dies();
      expect(played.ready).toEqual([]);
      vi.advanceTimersByTime(pauseMs - 1);
      expect(played.processes).toHaveLength(living);
      vi.advanceTimersByTime(1);
      expect(played.processes).toHaveLength(living + 1);
    }
  });

  it('and cannot be launched for want of room is tried again like any other', () => {
    const played = new PlayedFleet();
    played.noRoom = true;
    void played.fleet.start('worker');
    expect(played.failures).toEqual(['worker-1: ENOSPC: no space left on device']);
    played.noRoom = false;
    vi.advanceTimersByTime(100);
    played.process(0).boots();
    expect(played.ready).toEqual(['worker-1']);
  });

  it('is reported: why it did not start, and that it is ready again', () => {
    const played = new PlayedFleet();
    void played.fleet.start('worker');
    played.process(0).dies('no room');
    vi.advanceTimersByTime(100);
    played.process(1).dies();
    expect(played.failures).toEqual(['worker-1: no room', 'worker-1: it ended with SIGKILL']);
    vi.advanceTimersByTime(200);
    played.process(2).boots(); // whoever started it knows that by itself
    expect(played.failures).toHaveLength(2);
    played.process(2).dies(); // at work, not at its start
    vi.advanceTimersByTime(400);
    played.process(3).boots();
    expect(played.failures.slice(2)).toEqual(['worker-1 again']);
  });

  it('changes places with its spare: nobody waits for a boot', () => {
    const played = workerWithSpare();
    played.process(0).dies();
    expect(played.ready).toEqual(['worker-2']);
    expect(played.process(1).received).toEqual([{ type: 'go' }]);
    expect(played.fleet.count('worker')).toBe(1);
    vi.advanceTimersByTime(100);
    expect(played.process(2)).toMatchObject({ id: 'worker-1', isParked: true });
    played.process(2).boots();
    expect(played.ready).toEqual(['worker-2']);
    expect(played.process(2).received).toEqual([]);
  });

  it('as a spare is started again as a spare', () => {
    const played = workerWithSpare();
    played.process(1).dies();
    expect(played.ready).toEqual(['worker-1']);
    vi.advanceTimersByTime(100);
    expect(played.process(2)).toMatchObject({ id: 'worker-2', isParked: true });
  });

  it('while somebody waits for it to be ready hands that on to its spare', async () => {
    const played = new PlayedFleet();
    played.fleet.park('worker');
    played.process(0).boots();
    void played.fleet.start('worker'); // takes the spare
    const second = played.fleet.start('worker');
    played.fleet.park('worker');
    played.process(2).boots();
    played.process(1).dies();
    expect(await second).toBe('worker-3');
    expect(played.ready.toSorted()).toEqual(['worker-1', 'worker-3']);
  });
});

describe('a service that is not needed any more', () => {
  function leaving() {
    const played = workerWithSpare();
    const left = played.fleet.drain('worker-1');
    expect(played.ready).toEqual([]);
    vi.advanceTimersByTime(30);
    expect(played.process(0).received).toEqual(['SIGTERM']);
    return { played, left };
  }

  it('finishes what it has and is gone, and nobody takes its place', async () => {
    const { played, left } = leaving();
    played.process(0).dies();
    await left;
    vi.advanceTimersByTime(10_000);
    expect(played.processes).toHaveLength(2);
    expect(played.process(0).received).toEqual(['SIGTERM']); // no late kill
    expect(played.published).toEqual([]);
  });

  it('is killed where it does not end', async () => {
    const { played, left } = leaving();
    vi.advanceTimersByTime(4_000);
    expect(played.process(0).received).toEqual(['SIGTERM', 'SIGKILL']);
    played.process(0).dies();
    await left;
    expect(played.published).toEqual([]);
  });
});
