import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type ClusterState,
  clusterFile,
  type Directory,
  emptyCluster,
  openDirectory,
  type ServiceInstance,
  StaticDirectory,
} from './directory.ts';

function instance(id: string, state: ServiceInstance['state'] = 'ready'): ServiceInstance {
  const [role = ''] = id.split('-');
  return { id, role, url: `http://${id}`, state, pid: 1, since: '2026-01-01T00:00:00Z' };
}

const cluster = (revision: number, ...services: ServiceInstance[]): ClusterState => {
  return { ...emptyCluster, revision, services };
};

const idsOf = (directory: Directory, role: string): string[] =>
  directory.instances(role).map(({ id }) => id);

class Home implements AsyncDisposable {
  readonly #folder: string;
  #opened: Directory[] = [];

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async make(): Promise<Home> {
    return new Home(await mkdtemp(path.join(tmpdir(), 'doorbuster-directory-')));
  }

  open(): Directory {
    const directory = openDirectory(this.#folder, {});
    this.#opened.push(directory);
    return directory;
  }

  /** As the supervisor does it: written beside, then renamed. */
  async publish(content: ClusterState | string): Promise<void> {
    const file = clusterFile(this.#folder);
    await mkdir(path.dirname(file), { recursive: true });
    const text = typeof content === 'string' ? content : JSON.stringify(content);
    await writeFile(`${file}.new`, text);
    await rename(`${file}.new`, file);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const directory of this.#opened) directory.close();
    await rm(this.#folder, { recursive: true });
  }
}

const changeOf = (directory: Directory): Promise<ClusterState> =>
  new Promise((resolve) => {
    const stop = directory.onChange((state) => {
      stop();
      resolve(state);
    });
  });

describe('a directory', () => {
  it('names the ready instances of a role, in their order', () => {
    const services = [
      instance('worker-1'),
      instance('catalog-2'),
      instance('catalog-1'),
      instance('catalog-3', 'starting'),
      instance('catalog-4', 'draining'),
    ];
    const directory = new StaticDirectory(cluster(1, ...services));
    expect(idsOf(directory, 'catalog')).toEqual(['catalog-2', 'catalog-1']);
    expect(idsOf(directory, 'gateway')).toEqual([]);
  });

  it('has the new state when it calls its listeners', () => {
    const directory = new StaticDirectory(cluster(1, instance('worker-1')));
    const seen: string[][] = [];
    const stop = directory.onChange(() => seen.push(idsOf(directory, 'worker')));
    directory.set(cluster(2, instance('worker-2')));
    stop();
    directory.set(cluster(3));
    expect(seen).toEqual([['worker-2']]);
    expect(idsOf(directory, 'worker')).toEqual([]);
  });
});

describe('a directory in a file', () => {
  it('is empty until something is published, then follows', async () => {
    await using home = await Home.make();
    const directory = home.open();
    expect(directory.current).toEqual(emptyCluster);
    for (const revision of [1, 2, 3]) {
      const changed = changeOf(directory);
      await home.publish(cluster(revision, instance(`worker-${revision}`)));
      expect((await changed).revision).toBe(revision);
      expect(idsOf(directory, 'worker')).toEqual([`worker-${revision}`]);
    }
  });

  it('knows at once what was published before it was opened', async () => {
    await using home = await Home.make();
    await home.publish(cluster(7, instance('worker-1')));
    expect(home.open().current.revision).toBe(7);
  });

  it('goes on with what it knows where the file cannot be read', async () => {
    await using home = await Home.make();
    await home.publish(cluster(1, instance('worker-1')));
    const directory = home.open();
    await home.publish('{"revision": 2, "serv');
    const changed = changeOf(directory);
    await home.publish(cluster(3, instance('worker-3')));
    expect((await changed).revision).toBe(3);
  });
});

describe('a directory in the environment', () => {
  const env = {
    DOORBUSTER_DISCOVERY: 'env',
    CATALOG_URL: 'http://catalog:8080',
    ORDERS_URL: 'http://orders:8080',
    DATABASE_HOST: 'postgres-rw',
  };

  it('has an instance for each address, and the database by its name', () => {
    const directory = openDirectory('/nowhere', env);
    expect(directory.instances('catalog')).toMatchObject([{ url: 'http://catalog:8080' }]);
    expect(directory.instances('customers')).toEqual([]);
    const leader = { id: 'postgres-rw', host: 'postgres-rw', port: 5_432 };
    expect(directory.current.database).toEqual({ leader, followers: [] });
  });

  it('has no database where none is named', () => {
    const directory = openDirectory('/nowhere', { DOORBUSTER_DISCOVERY: 'env' });
    expect(directory.current.database.leader).toBeNull();
  });
});
