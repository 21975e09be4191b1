import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { generate } from 'selfsigned';
import { describe, expect, it } from 'vitest';
import {
  type ClusterState,
  type Directory,
  emptyCluster,
  type ServiceInstance,
  StaticDirectory,
} from './directory.ts';
import { askOverHttp, DnsDirectory, type Readiness, resolveBySystem } from './dns-directory.ts';
import { clusterFile } from './file-directory.ts';
import { openDirectory, roleUrls } from './open-directory.ts';

/** Instances by id, which begins with the role, and their states. */
type Instances = Readonly<Record<string, ServiceInstance['state']>>;

/** What stands behind a directory, which a test changes. */
interface World extends AsyncDisposable {
  open(): Directory;
  publish(instances: Instances): Promise<void>;
  /** Whoever looks now finds nothing that can be read. */
  break(): Promise<void>;
}

const roleOf = (id: string): string => id.split('-')[0] ?? '';

const idsOf = (directory: Directory, role: string): string[] =>
  directory
    .instances(role)
    .map(({ id }) => id)
    .sort();

/** Resolves to the number of instances as soon as the directory lists exactly these. */
function untilListed(directory: Directory, role: string, ids: readonly string[]): Promise<number> {
  const isSo = (): boolean => JSON.stringify(idsOf(directory, role)) === JSON.stringify(ids);
  if (isSo()) return Promise.resolve(ids.length);
  return new Promise((resolve) => {
    const stop = directory.onChange(() => {
      if (!isSo()) return;
      stop();
      resolve(ids.length);
    });
  });
}

class FileWorld implements World {
  readonly #folder: string;
  #opened: Directory[] = [];
  #revision = 0;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async make(): Promise<FileWorld> {
    return new FileWorld(await mkdtemp(path.join(tmpdir(), 'doorbuster-directory-')));
  }

  open(): Directory {
    const directory = openDirectory(this.#folder, null, {});
    this.#opened.push(directory);
    return directory;
  }

  publish(instances: Instances): Promise<void> {
    this.#revision += 1;
    const services = Object.entries(instances).map(([id, state]) => instance(id, state));
    return this.#write(JSON.stringify({ ...emptyCluster, revision: this.#revision, services }));
  }

  break(): Promise<void> {
    return this.#write('{"revision": 2, "serv');
  }

  /** As the supervisor does it: written beside, then renamed. */
  async #write(text: string): Promise<void> {
    const file = clusterFile(this.#folder);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(`${file}.new`, text);
    await rename(`${file}.new`, file);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const directory of this.#opened) directory.close();
    await rm(this.#folder, { recursive: true });
  }
}

/** Names whose addresses are the ids of instances, which say whether they are ready. */
class DnsWorld implements World {
  readonly urls: Map<string, URL>;
  /** By address. Null: no answer. */
  readonly said = new Map<string, Readiness | null>();
  #addresses: readonly string[] | null = [];
  #opened: Directory[] = [];

  constructor(roles: readonly string[]) {
    this.urls = new Map(roles.map((role) => [role, new URL(`http://${role}:8080`)]));
  }

  open(): Directory {
    const directory = new DnsDirectory({
      urls: this.urls,
      resolve: async ({ hostname }) => {
        if (this.#addresses === null) throw new Error('SERVFAIL');
        const own = this.#addresses.filter((each) => roleOf(each) === hostname);
        return own.map((host) => ({ host, port: 8080, serverName: hostname }));
      },
      askReadiness: async (url) => {
        const answer = this.said.get(new URL(url).hostname) ?? null;
        if (answer === null) throw new Error('ECONNREFUSED');
        return answer;
      },
      refreshEveryMs: 5,
    });
    this.#opened.push(directory);
    return directory;
  }

  async publish(instances: Instances): Promise<void> {
    this.#addresses = Object.keys(instances);
    for (const [id, state] of Object.entries(instances)) {
      const answer = { id, ready: state === 'ready', draining: state === 'draining' };
      this.said.set(id, state === 'starting' ? null : answer);
    }
  }

  async break(): Promise<void> {
    this.#addresses = null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const directory of this.#opened) directory.close();
  }
}

function instance(id: string, state: ServiceInstance['state'] = 'ready'): ServiceInstance {
  const since = '2026-01-01T00:00:00Z';
  return { id, role: roleOf(id), url: `http://${id}`, state, pid: 1, since };
}

describe.each([
  ['a file', () => FileWorld.make()],
  ['DNS', async () => new DnsWorld(['worker', 'catalog'])],
] as const)('a directory of %s', (_name, make: () => Promise<World>) => {
  it('lists the ready instances of a role', async () => {
    await using world = await make();
    await world.publish({
      'worker-1': 'ready',
      'catalog-1': 'ready',
      'catalog-2': 'ready',
      'catalog-3': 'starting',
      'catalog-4': 'draining',
    });
    const directory = world.open();
    await untilListed(directory, 'catalog', ['catalog-1', 'catalog-2']);
    await untilListed(directory, 'worker', ['worker-1']);
    expect(idsOf(directory, 'gateway')).toEqual([]);
  });

  it('is empty at first, then follows instances that come and go', async () => {
    await using world = await make();
    const directory = world.open();
    expect(directory.current).toEqual(emptyCluster);
    await world.publish({ 'worker-1': 'ready' });
    await untilListed(directory, 'worker', ['worker-1']);
    await world.publish({ 'worker-1': 'ready', 'worker-2': 'ready' });
    await untilListed(directory, 'worker', ['worker-1', 'worker-2']);
    await world.publish({ 'worker-1': 'draining', 'worker-2': 'ready' });
    await untilListed(directory, 'worker', ['worker-2']);
    const { revision } = directory.current;
    await world.publish({ 'worker-2': 'ready', 'worker-3': 'ready' });
    await untilListed(directory, 'worker', ['worker-2', 'worker-3']);
    expect(directory.current.revision).toBeGreaterThan(revision);
  });

  it('goes on with what it knows where its source cannot be read', async () => {
    await using world = await make();
    await world.publish({ 'worker-1': 'ready', 'worker-2': 'ready' });
    const directory = world.open();
    await untilListed(directory, 'worker', ['worker-1', 'worker-2']);
    await world.break();
    const seen: string[][] = [];
    directory.onChange(() => seen.push(idsOf(directory, 'worker')));
    await world.publish({ 'worker-3': 'ready', 'worker-2': 'ready' });
    await untilListed(directory, 'worker', ['worker-2', 'worker-3']);
    expect(seen.filter((ids) => ids.length === 0)).toEqual([]);
  });
});

it('a directory knows a change before it tells of it', () => {
  const of = (revision: number, ...services: ServiceInstance[]): ClusterState => {
    return { ...emptyCluster, revision, services };
  };
  const directory = new StaticDirectory(of(1, instance('worker-1')));
  const seen: string[][] = [];
  const stop = directory.onChange(() => seen.push(idsOf(directory, 'worker')));
  directory.set(of(2, instance('worker-2')));
  stop();
  directory.set(of(3));
  expect(seen).toEqual([['worker-2']]);
  expect(idsOf(directory, 'worker')).toEqual([]);
});

describe('a directory of DNS', () => {
  const away = (id: string): Readiness => ({ id, ready: false });

  it('lists those that are not ready where no other is left, and silent ones last', async () => {
    await using world = new DnsWorld(['worker']);
    await world.publish({ 'worker-1': 'ready', 'worker-2': 'ready', 'worker-3': 'draining' });
    const directory = world.open();
    await untilListed(directory, 'worker', ['worker-1', 'worker-2']);
    world.said.set('worker-1', away('worker-1'));
    await untilListed(directory, 'worker', ['worker-2']);
    world.said.set('worker-2', null);
    await untilListed(directory, 'worker', ['worker-1']);
    world.said.set('worker-1', null);
    await untilListed(directory, 'worker', ['worker-3']);
    world.said.set('worker-3', null);
    await untilListed(directory, 'worker', ['worker-1', 'worker-2', 'worker-3']);
    world.said.set('worker-2', { id: 'worker-2', ready: true });
    expect(await untilListed(directory, 'worker', ['worker-2'])).toBe(1);
  });

  it('lists an instance with two addresses once, under the id that it gives itself', async () => {
    await using world = new DnsWorld(['worker']);
    await world.publish({ 'worker-v4': 'ready', 'worker-v6': 'ready' });
    for (const address of ['worker-v4', 'worker-v6']) {
      world.said.set(address, { id: 'worker-pod-7', ready: true });
    }
    const directory = world.open();
    await untilListed(directory, 'worker', ['worker-pod-7']);
    expect(directory.instances('worker')).toMatchObject([
      { url: 'http://worker-v4:8080', serverName: 'worker' },
    ]);
  });

  it('has another instance where another process answers at the same address', async () => {
    await using world = new DnsWorld(['worker']);
    await world.publish({ 'worker-1': 'ready' });
    const directory = world.open();
    await untilListed(directory, 'worker', ['worker-1']);
    world.said.set('worker-1', { id: 'worker-after-restart', ready: true });
    expect(await untilListed(directory, 'worker', ['worker-after-restart'])).toBe(1);
  });
});

describe('the network behind a directory of DNS', () => {
  it('is asked for all addresses of a name, with the port and name of its URL', async () => {
    expect(await resolveBySystem(new URL('http://127.0.0.1:8080'))).toEqual([
      { host: '127.0.0.1', port: 8080, serverName: '127.0.0.1' },
    ]);
    const found = await resolveBySystem(new URL('https://[::1]'));
    expect(found).toEqual([{ host: '::1', port: 443, serverName: '::1' }]);
    await expect(resolveBySystem(new URL('http://nobody.invalid:1'))).rejects.toThrow();
  });

  it('is asked over HTTP whether an instance is ready, also where it is not', async () => {
    const said = { id: 'worker-1', ready: false, reasons: ['database: away'] };
    const server = createServer((request, response) => {
      response.writeHead(request.url === '/readyz' ? 503 : 404).end(JSON.stringify(said));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const ask = askOverHttp(null);
    expect(await ask(url, '127.0.0.1')).toEqual(said);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await expect(ask(url, '127.0.0.1')).rejects.toThrow();
  });

  it('shows a certificate with its name, at whatever address', async () => {
    const extensions = [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'orders' }] }];
    const made = await generate([{ name: 'commonName', value: 'x' }], { extensions } as never);
    const { cert, private: key } = made;
    const server = createSecureServer({ cert, key }, (_request, response) => {
      response.end('{"ready":true}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const ask = askOverHttp({ ca: cert, cert, key });
    expect(await ask(url, 'orders')).toEqual({ ready: true });
    await expect(ask(url, 'catalog')).rejects.toThrow(/altnames/);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it('is known by an address of each role, which must be one', () => {
    const env = {
      ORDERS_URL: 'http://orders:8080',
      DATABASE_URL: 'postgres://db',
      STRIPE_KEY: 'x',
    };
    expect([...roleUrls(env).keys()]).toEqual(['orders']);
    expect(() => roleUrls({ ORDERS_URL: 'orders:8080' })).toThrow(/^ORDERS_URL must be an address/);
    expect(() => openDirectory('/nowhere', null, { DOORBUSTER_DISCOVERY: 'env' })).toThrow(
      'DOORBUSTER_DISCOVERY must be file or dns, not "env".',
    );
  });
});
