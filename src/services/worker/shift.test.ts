import { EventEmitter, once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { Shift } from './shift.ts';

class PlayedLoop {
  readonly paymentsBusyMs = 0;
  readonly checkoutsHeld = 0;
  state: 'new' | 'started' | 'stopped' = 'new';

  start(): void {
    this.state = 'started';
  }

  async stop(): Promise<void> {
    this.state = 'stopped';
  }
}

class PlayedChannel extends EventEmitter {
  connected = true;
  readonly sent: unknown[] = [];
  exitCode: number | null = null;

  send(message: unknown): void {
    this.sent.push(message);
    this.emit('sent');
  }

  exit(code: number): void {
    this.exitCode = code;
    this.emit('exited');
  }

  disconnect(): void {
    this.connected = false;
    this.emit('disconnect');
  }
}

class Worker {
  readonly loops: PlayedLoop[] = [];
  readonly channel = new PlayedChannel();
  listening = 0;
  decided = 0;
  readonly shift = new Shift<PlayedLoop>(
    () => {
      this.loops.push(new PlayedLoop());
      return this.loops.at(-1) as PlayedLoop;
    },
    () => {
      this.listening += 1;
      return () => {
        this.listening -= 1;
      };
    },
    () => this.decided,
  );

  constructor() {
    this.shift.obey(this.channel);
  }

  async told(type: string): Promise<void> {
    const answered = once(this.channel, 'sent');
    this.channel.emit('message', { type });
    if (type === 'rest') await answered;
  }
}

describe("a worker's shift", () => {
  it('begins with a go and ends with a rest, as often as it is told', async () => {
    const worker = new Worker();
    for (let shift = 1; shift <= 3; shift += 1) {
      await worker.told('go');
      expect(worker.shift.loop.state).toBe('started');
      expect(worker.listening).toBe(1);
      await worker.told('rest');
      expect(worker.shift.loop.state).toBe('stopped');
      expect(worker.listening).toBe(0);
      expect(worker.channel.sent).toHaveLength(shift);
      expect(worker.channel.sent.at(-1)).toEqual({ type: 'resting' });
    }
  });

  it('hears a second go as none', async () => {
    const worker = new Worker();
    await worker.told('go');
    const { loop } = worker.shift;
    await worker.told('go');
    expect(worker.shift.loop).toBe(loop);
    expect(worker.listening).toBe(1);
  });

  it('counts from its own beginning', async () => {
    const worker = new Worker();
    await worker.told('go');
    worker.decided = 40;
    expect(worker.shift.done).toBe(40);
    await worker.told('rest');
    await worker.told('go');
    expect(worker.shift.done).toBe(0);
    worker.decided = 45;
    expect(worker.shift.done).toBe(5);
  });

  it('outlives whoever began it, and a spare does not', async () => {
    const atWork = new Worker();
    await atWork.told('go');
    atWork.channel.disconnect();
    expect(atWork.channel.exitCode).toBeNull();
    expect(atWork.shift.loop.state).toBe('started');
    const spare = new Worker();
    spare.channel.disconnect();
    expect(spare.channel.exitCode).toBe(0);
  });

  it('ends the process where the supervisor dies while it comes to rest', async () => {
    const worker = new Worker();
    await worker.told('go');
    const exited = once(worker.channel, 'exited');
    worker.channel.connected = false;
    worker.channel.emit('message', { type: 'rest' });
    await exited;
    expect(worker.channel.exitCode).toBe(0);
    expect(worker.channel.sent).toEqual([]);
  });
});
