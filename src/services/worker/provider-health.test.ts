import { expect, it } from 'vitest';
import { ProviderHealth } from './provider-health.ts';

it('is not judged by one buyer, however often that one is not answered', () => {
  const health = new ProviderHealth(3);
  for (let asked = 0; asked < 40; asked += 1) health.unanswered('mallory', asked);
  expect(health.isDown).toBe(false);
});

it('is down when many are not answered, and up again with one answer to anyone', () => {
  const health = new ProviderHealth(3);
  for (const buyer of ['ada', 'bob', 'cleo']) health.unanswered(buyer, 100);
  expect(health.isDown).toBe(true);
  health.answered(200);
  expect(health.isDown).toBe(false);
});

it('is up while anyone is answered, however many are not', () => {
  const health = new ProviderHealth(3);
  const deadlineMs = 5_000;
  for (let now = deadlineMs; now < 60_000; now += 100) {
    health.unanswered(`attacker ${now}`, now - deadlineMs);
    if (now % 1_000 === 0) health.answered(now); // one honest buyer a second
    expect(health.isDown).toBe(false);
  }
});
