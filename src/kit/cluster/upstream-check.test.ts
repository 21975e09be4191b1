import { expect, it } from 'vitest';
import { emptyCluster, type ServiceInstance, StaticDirectory } from './directory.ts';
import { upstreamCheck } from './upstream-check.ts';

const of = (...roles: string[]) => ({
  ...emptyCluster,
  services: roles.map((role): ServiceInstance => {
    const since = '2026-01-01T00:00:00Z';
    return { id: `${role}-1`, role, url: `http://${role}`, state: 'ready', pid: 1, since };
  }),
});

it('a service is ready once all upstreams were found, and while any of them is left', () => {
  const directory = new StaticDirectory(emptyCluster);
  const check = upstreamCheck(directory, ['catalog', 'orders']);
  directory.set(of('catalog'));
  expect(check()).toEqual(['no orders service was found yet']);
  directory.set(of('orders'));
  expect(check()).toEqual([]);
  directory.set(emptyCluster);
  expect(check()).toEqual(['no service is left: catalog, orders']);
  directory.set(of('catalog'));
  expect(check()).toEqual([]);
});
