import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { outcomeLine, type PurchaseAnswer } from '../../../api/purchase-answer.ts';
import { emptyCluster, StaticDirectory } from '../../../kit/cluster/directory.ts';
import type { InternalClient } from '../../../kit/http/internal-client.ts';
import { OutcomeSubscriber } from './outcome-subscriber.ts';

const idOf = (n: number): string => `01900000-0000-7000-8000-${String(n).padStart(12, '0')}`;
const rejected = { kind: 'rejected', rejection: { reason: 'payment-declined' } } as const;
const lineOf = (n: number): string => `${outcomeLine(idOf(n), n, 'token', rejected)}\n`;

/** The stream of an orders instance, as the test writes and breaks it. */
class TestStream implements AsyncIterable<Uint8Array> {
  readonly #parts: (Uint8Array | null)[] = [];
  #wake: () => void = () => {};

  write(text: string): void {
    this.#parts.push(Buffer.from(text));
    this.#wake();
  }

  end(): void {
    this.#parts.push(null);
    this.#wake();
  }

  async *[Symbol.asyncIterator]() {
    for (;;) {
      const part = this.#parts.shift();
      if (part === null) return;
      if (part !== undefined) yield part;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

/** A subscriber in front of orders instances `a`, `b`, … */
function open(...names: string[]) {
  const registered: string[][] = [];
  const events: string[] = [];
  const streams = new Map<string, TestStream>();
  const directory = new StaticDirectory(emptyCluster);
  let revision = 0;
  const publish = (...living: string[]): void => {
    revision += 1;
    const services = living.map((id) => {
      const url = `http://${id}`;
      return { id, role: 'orders', url, state: 'ready' as const, pid: 1, since: '2026-01-01' };
    });
    directory.set({ ...emptyCluster, revision, services });
  };
  publish(...names);
  const client = {
    call: async (_route: object, { body }: { body: { ids: string[] } }) => {
      registered.push(body.ids);
    },
    stream: async ({ id }: { id: string }) => {
      const stream = new TestStream();
      streams.set(id, stream);
      return stream;
    },
  } as unknown as InternalClient;
  const subscriber = new OutcomeSubscriber(directory, client, 'gateway-1', {
    keysAccepted: (keys) => events.push(`keys ${keys.join(' ')}`),
    streamsLive: () => events.push('live'),
    streamLost: () => events.push('lost'),
  });
  const answers: PurchaseAnswer[] = [];
  const listener = { onOutcome: (answer: PurchaseAnswer) => answers.push(answer) };
  return { subscriber, registered, events, streams, publish, answers, listener };
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('the outcome subscriber', () => {
  it('passes an outcome on to its subscriber, once', async () => {
    const { subscriber, streams, answers, listener } = open('a');
    subscriber.subscribe(idOf(1), listener);
    await turn();
    streams.get('a')?.write(lineOf(1) + lineOf(1) + lineOf(2));
    await turn();
    expect(answers).toMatchObject([{ status: 402 }]);
    expect(subscriber.waiting).toBe(0);
    subscriber.close();
  });

  it('reads lines that come in pieces, and bytes as they are', async () => {
    const { subscriber, streams, answers, listener } = open('a');
    subscriber.subscribe(idOf(1), listener);
    await turn();
    const body = JSON.stringify({ title: 'Zoë' });
    const line = Buffer.from(`${idOf(1)} 201 /api/orders/1 ${body}\n`);
    for (const byte of line) streams.get('a')?.write(String.fromCharCode(byte));
    await turn();
    expect(answers).toMatchObject([{ status: 201, location: '/api/orders/1' }]);
    subscriber.close();
  });

  it('passes it on to all that wait for a checkout, not to one that has unsubscribed', async () => {
    const { subscriber, streams, answers, listener } = open('a');
    const other = { onOutcome: listener.onOutcome };
    const gone = { onOutcome: () => expect.unreachable('nobody waits here') };
    for (const each of [listener, gone, other]) subscriber.subscribe(idOf(1), each);
    subscriber.unsubscribe(idOf(1), gone);
    subscriber.subscribe(idOf(2), gone);
    subscriber.unsubscribe(idOf(2), gone);
    await turn();
    streams.get('a')?.write(lineOf(1) + lineOf(2));
    await turn();
    expect(answers).toHaveLength(2);
    subscriber.close();
  });

  it('registers all subscriptions again when a stream was lost, and reconnects', async () => {
    const { subscriber, registered, streams, answers, events, listener } = open('a');
    await turn();
    subscriber.subscribe(idOf(1), listener);
    const lost = streams.get('a');
    lost?.end();
    await turn();
    expect(events).toEqual(['lost', 'live', 'lost']);
    await vi.advanceTimersByTimeAsync(100);
    await turn();
    expect(registered.at(-1)).toEqual([idOf(1)]);
    expect(events.at(-1)).toBe('live');
    streams.get('a')?.write(lineOf(1));
    await turn();
    expect([streams.get('a') === lost, answers.length]).toEqual([false, 1]);
    subscriber.close();
  });

  it('is live when the streams of all instances are open, and not when one joins', async () => {
    const { subscriber, publish, events } = open('a', 'b');
    await turn();
    expect(events).toEqual(['lost', 'lost', 'live']);
    publish('a', 'b', 'c');
    expect(events.at(-1)).toBe('lost');
    await turn();
    expect(events.at(-1)).toBe('live');
    subscriber.close();
  });

  it('registers with the other instances the outcomes of one that is gone', async () => {
    const { subscriber, publish, registered, streams, listener } = open('a', 'b');
    await turn();
    subscriber.subscribe(idOf(1), listener);
    publish('b');
    streams.get('a')?.end();
    await vi.advanceTimersByTimeAsync(100);
    await turn();
    expect(registered.at(-1)).toEqual([idOf(1)]);
    subscriber.close();
  });

  it('keeps the queue’s figures, and passes on keys that other gateways had accepted', async () => {
    const { subscriber, streams, events } = open('a');
    await turn();
    streams.get('a')?.write('figures {"depth":3}\nkeys k-1 k-2\n');
    await turn();
    expect(subscriber.figures).toEqual({ depth: 3 });
    expect(events.at(-1)).toBe('keys k-1 k-2');
    subscriber.close();
  });
});
