import { Counter, Histogram, Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { RequestMetrics } from './request-metrics.ts';

const buckets = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];
const visits = [
  ['buy', 201, 3],
  ['buy', 201, 10],
  ['buy', 409, 0],
  ['buy', 503, 12_000],
  ['/api/carts', 200, 2],
  ['/api/carts', 499, 251],
] as const;

/** The lines of a registry about these metrics, sorted: series come in any order. */
async function lines(register: Registry): Promise<string[]> {
  const text = await register.metrics();
  const own = text.split('\n').filter((line) => line.startsWith('doorbuster'));
  return own.map(sortedLabels).toSorted();
}

test('tallies read like what prom-client would have observed itself', async () => {
  const ours = new Registry();
  const metrics = new RequestMetrics(ours);
  const theirs = new Registry();
  const registers = [theirs];
  const seconds = new Histogram({
    name: 'doorbuster_gateway_request_seconds',
    help: 'h',
    labelNames: ['route'],
    buckets,
    registers,
  });
  const requests = new Counter({
    name: 'doorbuster_gateway_requests_total',
    help: 'h',
    labelNames: ['route', 'status'],
    registers,
  });
  for (const [route, status, milliseconds] of visits) {
    metrics.record(route, status, milliseconds);
    seconds.labels(route).observe(milliseconds / 1_000);
    requests.labels(route, `${Math.floor(status / 100)}xx`).inc();
  }
  const expected = await lines(theirs);
  expect(expected.length).toBeGreaterThan(30);
  expect(await lines(ours)).toEqual(expected);
  expect(await lines(ours), 'read twice').toEqual(expected);
  expect(metrics.total).toBe(visits.length);
});

function sortedLabels(line: string): string {
  return line.replace(/\{(.*)\}/, (_all, labels: string) => {
    return `{${labels.split(',').toSorted().join(',')}}`;
  });
}
