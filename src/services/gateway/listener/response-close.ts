/**
 * Calls listeners when a response has closed, complete or not, and then drops them.
 *
 * A closure that listens on a response keeps all that it refers to. With a thousand waiting
 * purchases the garbage collector promoted whole requests and responses to the old generation,
 * although none lived for half a second: 8 MB per run, which took 35 ms. Since listeners are
 * dropped after the call, and purchases drop their response (purchase-pipeline.ts), it is 2 MB in
 * 15 ms (decision 11).
 */
import type { ServerResponse } from 'node:http';

export interface CloseListener {
  onClose(response: ServerResponse): void;
}

const listenersKey = Symbol('listeners of close');
type Observed = ServerResponse & { [listenersKey]?: CloseListener[] };

/** Listeners are called once, in the order in which they were added. */
export function onResponseClose(response: ServerResponse, listener: CloseListener): void {
  const observed: Observed = response;
  const known = observed[listenersKey];
  if (known !== undefined) known.push(listener);
  else {
    observed[listenersKey] = [listener];
    response.on('close', callAll);
  }
}

function callAll(this: Observed): void {
  const listeners = this[listenersKey] ?? [];
  this[listenersKey] = [];
  for (const listener of listeners) listener.onClose(this);
}
