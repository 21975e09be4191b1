/**
 * The client's address and network, and the scheme and host by which it reached the shop. Made once
 * per request and used everywhere: limits, logs, cookies, HSTS.
 *
 * Behind a trusted proxy they come from `X-Forwarded-For`, `-Proto` and `-Host`, or from
 * `Forwarded` (RFC 7239). Each proxy adds the address of its peer at the right. So the list is read
 * from the right, as long as the addresses are trusted proxies; the client may have written what is
 * further left, so that is ignored.
 */
import type { IncomingMessage } from 'node:http';
import { parse as parseForwarded } from 'forwarded-parse';
import { LRUCache } from 'lru-cache';
import { networkOf, readAddress } from '../../../kit/http/client-network.ts';
import { badRequest } from '../../../kit/http/problem.ts';
import type { TrustedProxies } from '../../../kit/http/trusted-proxies.ts';

export type Scheme = 'http' | 'https';

export interface Client {
  readonly address: string;
  /** By which it is counted: `networkOf` its address. */
  readonly network: string;
  /** By which the client reached the shop, or the proxy in front of it. */
  readonly scheme: Scheme;
  /** As the client named it, with its port; empty where it named none. */
  readonly host: string;
}

/** What a proxy reports of the request that it received. */
interface Hop {
  readonly address: string;
  readonly scheme: string | undefined;
  readonly host: string | undefined;
}

interface Peer {
  readonly address: string;
  readonly network: string;
  readonly isTrusted: boolean;
  /** In a private network, where proxies are. */
  readonly isPrivate: boolean;
}

const peersMax = 20_000;
const hopsMax = 32;
const warningsMax = 100;

export class Clients {
  readonly #trusts: TrustedProxies;
  readonly #scheme: Scheme;
  readonly #peers = new LRUCache<string, Peer>({ max: peersMax });
  readonly #onUntrustedProxy: (address: string) => void;
  readonly #untrustedProxies = new Set<string>();

  /**
   * `scheme`: by which this process is reached. `onUntrustedProxy` is called once for each private
   * address that looks like a proxy and is not trusted: all its clients are counted as one.
   */
  constructor(
    trusts: TrustedProxies,
    scheme: Scheme,
    onUntrustedProxy: (address: string) => void = () => {},
  ) {
    this.#trusts = trusts;
    this.#scheme = scheme;
    this.#onUntrustedProxy = onUntrustedProxy;
  }

  /** Throws Problem 400 where two headers of a trusted proxy name different clients. */
  of({ headers, socket }: Pick<IncomingMessage, 'headers' | 'socket'>): Client {
    const peer = this.#peer(socket.remoteAddress ?? '');
    const host = headers.host ?? (headers[':authority'] as string | undefined) ?? '';
    const client = { address: peer.address, network: peer.network, scheme: this.#scheme, host };
    if (peer.isTrusted) return this.#behind(peer, client, headers);
    if (peer.isPrivate && headers['x-forwarded-for'] !== undefined) this.#warn(peer.address);
    return client;
  }

  #warn(address: string): void {
    const known = this.#untrustedProxies;
    if (known.has(address) || known.size >= warningsMax) return;
    known.add(address);
    this.#onUntrustedProxy(address);
  }

  #behind(peer: Peer, direct: Client, headers: IncomingMessage['headers']): Client {
    const listed = this.#from(peer, xForwarded(headers));
    const forwarded = this.#from(peer, forwardedHops(headers.forwarded));
    if (listed !== null && forwarded !== null && listed.address !== forwarded.address) {
      // The client wrote one of them, and it is unknown which.
      throw badRequest('Forwarded and X-Forwarded-For name different clients');
    }
    const named = listed ?? forwarded;
    if (named === null) return direct;
    const { address, network, hop } = named;
    const scheme = hop.scheme === 'https' || hop.scheme === 'http' ? hop.scheme : direct.scheme;
    return { address, network, scheme, host: hop.host ?? direct.host };
  }

  /** The peer of the outermost trusted proxy; null where the headers name none. */
  #from(peer: Peer, hops: readonly Hop[]): (Peer & { readonly hop: Hop }) | null {
    let found: (Peer & { readonly hop: Hop }) | null = null;
    let at: Peer = peer;
    for (const hop of hops.toReversed()) {
      if (!at.isTrusted) break;
      const next = this.#peer(hop.address);
      at = next.network === 'unknown' ? { ...at, isTrusted: false } : next;
      found = { ...at, hop };
    }
    return found;
  }

  #peer(text: string): Peer {
    const known = this.#peers.get(text);
    if (known !== undefined) return known;
    const read = readAddress(text);
    const address = read?.toString() ?? '';
    const peer: Peer = {
      address,
      network: networkOf(address),
      isTrusted: read !== null && this.#trusts(read),
      isPrivate: read !== null && read.range() !== 'unicast',
    };
    if (read !== null) this.#peers.set(text, peer);
    return peer;
  }
}

function listOf(header: string | string[] | undefined): string[] {
  const text = Array.isArray(header) ? header.join(',') : (header ?? '');
  const all = text === '' ? [] : text.split(',');
  return all.slice(-hopsMax).map((each) => each.trim());
}

/** There is one scheme and host per address, or a single one, set by the nearest proxy. */
function xForwarded(headers: IncomingMessage['headers']): Hop[] {
  const addresses = listOf(headers['x-forwarded-for']);
  const schemes = listOf(headers['x-forwarded-proto']);
  const hosts = listOf(headers['x-forwarded-host']);
  const at = (list: readonly string[], index: number): string | undefined =>
    list.length === addresses.length ? list[index] : list.at(-1);
  return addresses.map((address, index) => ({
    address: withoutPort(address),
    scheme: at(schemes, index)?.toLowerCase(),
    host: at(hosts, index),
  }));
}

/** Throws Problem 400 where it cannot be read. */
function forwardedHops(header: string | undefined): Hop[] {
  if (header === undefined) return [];
  try {
    return parseForwarded(header).map(({ for: from = '', proto, host }) => ({
      address: withoutPort(from),
      scheme: proto?.toLowerCase(),
      host,
    }));
  } catch {
    throw badRequest('the header Forwarded cannot be read');
  }
}

/** `192.0.2.1:4711` and `[2001:db8::1]:4711` as addresses; others as they are. */
function withoutPort(text: string): string {
  const [, inBrackets, beforePort] = /^\[([^\]]*)\](?::.*)?$|^([^:]*):[^:]*$/.exec(text) ?? [];
  return inBrackets ?? beforePort ?? text;
}
