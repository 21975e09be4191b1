import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { uuidV7 } from '../../kit/uuid-v7.ts';
import { OutcomeBoard, pollAfterMs } from './outcome-board.ts';

const start = 1_800_000_000_000;

/** A gateway's end of its stream. */
class Subscriber extends EventEmitter {
  received = '';
  hasEnded = false;

  write(text: string): boolean {
    this.received += text;
    return true;
  }

  end(): void {
    this.hasEnded = true;
    this.emit('close');
  }

  get lines(): string[] {
    return this.received.split('\n').slice(0, -1);
  }

  get stream(): ServerResponse {
    return this as unknown as ServerResponse;
  }
}

function open(...gateways: string[]) {
  const board = new OutcomeBoard();
  const subscribers = gateways.map((gateway) => {
    const subscriber = new Subscriber();
    board.attach(gateway, subscriber.stream);
    return subscriber;
  });
  return { board, subscribers: subscribers as [Subscriber, ...Subscriber[]] };
}

const ids = (count: number): string[] => Array.from({ length: count }, () => uuidV7(start));
const outcome = (id: string): string => `${id} 201 /api/orders/1 {"number":"1"}`;

describe('an outcome', () => {
  it('goes to the gateway that waits for it, once', () => {
    const { board, subscribers } = open('one', 'two');
    const [id = '', other = ''] = ids(2);
    board.expect('two', [id], start);
    board.send([outcome(id), outcome(other)]);
    board.send([outcome(id)]);
    expect(subscribers.map(({ lines }) => lines)).toEqual([[], [outcome(id)]]);
    expect(board.waiting).toBe(0);
  });

  it('goes to every gateway where more than one waits for it', () => {
    const { board, subscribers } = open('one', 'two');
    const [id = ''] = ids(1);
    board.expect('one', [id], start);
    board.expect('two', [id], start);
    board.expect('two', [id], start);
    board.send([outcome(id)]);
    expect(subscribers.map(({ lines }) => lines)).toEqual([[outcome(id)], [outcome(id)]]);
  });

  it('of a moment goes in one piece', () => {
    const { board, subscribers } = open('one');
    const many = ids(3);
    board.expect('one', many, start);
    let writes = 0;
    const { write } = subscribers[0];
    subscribers[0].write = function counted(text: string) {
      writes += 1;
      return write.call(this, text);
    };
    board.send(many.map(outcome));
    expect(writes).toBe(1);
    expect(subscribers[0].lines).toEqual(many.map(outcome));
  });
});

describe('a wait', () => {
  it('is looked up when nothing came of it for a while, and again, until it is sent', () => {
    const { board } = open('one');
    const [id = ''] = ids(1);
    board.expect('one', [id], start);
    expect(board.due(start + pollAfterMs - 1)).toEqual([]);
    expect(board.due(start + pollAfterMs)).toEqual([id]);
    expect(board.due(start + pollAfterMs)).toEqual([]);
    expect(board.due(start + 2 * pollAfterMs)).toEqual([id]);
    board.send([outcome(id)]);
    expect(board.due(start + 3 * pollAfterMs)).toEqual([]);
  });

  it('has its turn however many there are', () => {
    const { board } = open('one');
    const many = ids(2_500);
    board.expect('one', many, start);
    const looked: string[] = [];
    for (let turn = 0; turn < 3; turn += 1) looked.push(...board.due(start + pollAfterMs));
    expect(looked).toEqual(many);
  });

  it('ends with its gateway’s stream, but not with one that a newer one has replaced', () => {
    const { board, subscribers } = open('one', 'two');
    const [a = '', b = '', both = ''] = ids(3);
    board.expect('one', [a, both], start);
    board.expect('two', [b, both], start);
    const newer = new Subscriber();
    board.attach('one', newer.stream);
    expect(subscribers[0].hasEnded).toBe(true);
    expect(board.waiting).toBe(3);
    subscribers[1]?.end();
    expect(board.waiting).toBe(2);
    board.send([a, b, both].map(outcome));
    expect(newer.lines).toEqual([outcome(a), outcome(both)]);
  });
});

describe('the board', () => {
  it('says the queue’s figures to all, or to all but one', () => {
    const { board, subscribers } = open('one', 'two');
    board.broadcast('figures {}');
    board.broadcast('keys', 'one');
    expect(subscribers.map(({ lines }) => lines)).toEqual([['figures {}'], ['figures {}', 'keys']]);
    expect(board.hasOthers('one')).toBe(true);
    subscribers[1]?.end();
    expect(board.hasOthers('one')).toBe(false);
    expect(board.hasOthers('three')).toBe(true);
  });

  it('ends every stream when it closes', () => {
    const { board, subscribers } = open('one', 'two');
    board.expect('one', ids(1), start);
    board.close();
    expect(subscribers.map(({ hasEnded }) => hasEnded)).toEqual([true, true]);
    expect(board.waiting).toBe(0);
  });
});
