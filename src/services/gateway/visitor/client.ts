/**
 * From where a request comes and what it asked for, made once a request and used everywhere:
 * limits, logs, cookies, HSTS.
 *
 * A trusted proxy says it in `X-Forwarded-For`, `-Proto` and `-Host`, or in `Forwarded`
 * (RFC 7239). Each proxy adds the address that it was asked from at the right, so the list is read
 * from the right for as long as its addresses are trusted themselves; what stands further left was
 * written by the client, and is not believed.
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
  /** What it is counted by: networkOf its address. */
  readonly network: string;
  /** By which the client reached the shop, or the proxy in front of it. */
  readonly scheme: Scheme;
  /** As the client named it, with its port; empty where it named none. */
  readonly host: string;
}

/** What a proxy says of the request as it received it. */
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
const doubtsMax = 100;

export class Clients {
  readonly #trusts: TrustedProxies;
  readonly #scheme: Scheme;
  readonly #peers = new LRUCache<string, Peer>({ max: peersMax });
  readonly #onDoubt: (address: string) => void;
  readonly #doubted = new Set<string>();

  /**
   * `scheme`: by which this process is reached. `onDoubt` is called once for each private address
   * that looks like a proxy and is not trusted: all its clients are counted as one.
   */
  constructor(
    trusts: TrustedProxies,
    scheme: Scheme,
    onDoubt: (address: string) => void = () => {},
  ) {
    this.#trusts = trusts;
    this.#scheme = scheme;
    this.#onDoubt = onDoubt;
  }

  /** Throws Problem 400 where two headers of a trusted proxy name different clients. */
  of({ headers, socket }: Pick<IncomingMessage, 'headers' | 'socket'>): Client {
    const peer = this.#peer(socket.remoteAddress ?? '');
    const host = headers.host ?? (headers[':authority'] as string | undefined) ?? '';
    const client = { address: peer.address, network: peer.network, scheme: this.#scheme, host };
    if (peer.isTrusted) return this.#behind(peer, client, headers);
    if (peer.isPrivate && headers['x-forwarded-for'] !== undefined) this.#doubt(peer.address);
    return client;
  }

  #doubt(address: string): void {
    if (this.#doubted.has(address) || this.#doubted.size >= doubtsMax) return;
    this.#doubted.add(address);
    this.#onDoubt(address);
  }

  #behind(peer: Peer, direct: Client, headers: IncomingMessage['headers']): Client {
    const listed = this.#from(peer, xForwarded(headers));
    const forwarded = this.#from(peer, forwardedHops(headers.forwarded));
    if (listed !== null && forwarded !== null && listed.address !== forwarded.address) {
      // One of both was passed on as the client wrote it, and nobody knows which.
      throw badRequest('Forwarded and X-Forwarded-For name different clients');
    }
    const named = listed ?? forwarded;
    if (named === null) return direct;
    const { address, network, hop } = named;
    const scheme = hop.scheme === 'https' || hop.scheme === 'http' ? hop.scheme : direct.scheme;
    return { address, network, scheme, host: hop.host ?? direct.host };
  }

  /** The hop that the last trusted proxy was asked by; null where none is named. */
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

/** Schemes and hosts stand one for each address, or the nearest proxy has set a single one. */
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
