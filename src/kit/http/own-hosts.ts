/**
 * The host names of the shop: those of `DOORBUSTER_HOSTS`, and always localhost and IP addresses,
 * which nobody else can point at the shop.
 *
 * Without the setting the shop answers under any name, but it never redirects to a name that it
 * does not know. With the setting it refuses other names. That stops DNS rebinding: a foreign name
 * that resolves to the shop's address gets no answer.
 */
import { isIP } from 'node:net';

const hostForm = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{0,5})?$/i;
const nameForm = /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/;

/** The name or address in a `Host` header, lower case, without its port; null if unreadable. */
export function hostName(host: string): string | null {
  const [, address, name] = hostForm.exec(host) ?? [];
  return (address ?? name)?.toLowerCase().replace(/\.$/, '') ?? null;
}

export interface OwnHosts {
  /** Whether the shop answers under this name (as of `hostName`). */
  accepts(name: string): boolean;
  /** Whether a redirect may name it. */
  knows(name: string): boolean;
}

/** Throws an error that says what the list must be. */
export function readOwnHosts(list = ''): OwnHosts {
  const texts = list.split(',').map((text) => text.trim().toLowerCase());
  const names = new Set(texts.filter((text) => text !== ''));
  for (const name of names) {
    if (nameForm.test(name)) continue;
    throw new Error('must be names, separated by commas, as in shop.example, www.shop.example');
  }
  const knows = (name: string): boolean =>
    names.has(name) || name === 'localhost' || name.endsWith('.localhost') || isIP(name) !== 0;
  return { knows, accepts: (name) => names.size === 0 || knows(name) };
}
