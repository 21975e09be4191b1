import { EventEmitter } from 'node:events';
import { expect, test, vi } from 'vitest';
import { beginOnGo } from './spare.ts';

function spare() {
  const channel = Object.assign(new EventEmitter(), { exit: vi.fn() });
  const begin = vi.fn();
  beginOnGo(channel, begin);
  return { channel, begin };
}

test('A spare begins at the first go, and only once', () => {
  const { channel, begin } = spare();
  channel.emit('message', { type: 'something else' });
  expect(begin).not.toHaveBeenCalled();
  channel.emit('message', { type: 'go' });
  channel.emit('message', { type: 'go' });
  expect(begin).toHaveBeenCalledTimes(1);
});

test('A spare without a supervisor exits, a worker that has begun goes on', () => {
  const idle = spare();
  idle.channel.emit('disconnect');
  expect(idle.channel.exit).toHaveBeenCalledWith(0);
  const working = spare();
  working.channel.emit('message', { type: 'go' });
  working.channel.emit('disconnect');
  expect(working.channel.exit).not.toHaveBeenCalled();
});
