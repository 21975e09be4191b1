import { expect, test } from 'vitest';
import { IdleMeter } from './idle-meter.ts';

test('The idle share is that of the time since the last reading, over all processors', () => {
  let [busy, idle] = [1_000, 5_000];
  const one = (): { model: string; speed: number; times: Record<string, number> } => ({
    model: 'played',
    speed: 0,
    times: { user: busy, nice: 0, sys: 0, irq: 0, idle },
  });
  const meter = new IdleMeter(() => [one(), one()] as never);
  expect(meter.read()).toBe(0);
  busy += 100;
  idle += 300;
  expect(meter.read()).toBe(0.75);
  busy += 400;
  expect(meter.read()).toBe(0);
});
