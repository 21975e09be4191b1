import { expect, test } from 'vitest';
import { type FaultTargets, faultsAreOn, inflict } from './faults.ts';

test.each([
  { setting: undefined, runsDemo: true, on: true },
  { setting: undefined, runsDemo: false, on: false },
  { setting: 'on', runsDemo: false, on: true },
  { setting: 'off', runsDemo: true, on: false },
  { setting: '1', runsDemo: false, on: false },
])('with $setting, in a demo: $runsDemo, faults are on: $on', ({ setting, runsDemo, on }) => {
  expect(faultsAreOn(setting, runsDemo)).toBe(on);
});

test('a shop without faults kills nothing and says how to switch them on', () => {
  const looked: string[] = [];
  const services = () => {
    looked.push('services');
    return [];
  };
  const targets = { areOn: false, services } as unknown as FaultTargets;
  const kill = () => inflict({ target: 'worker-1', kind: 'kill' }, targets);
  expect(kill).toThrow(expect.objectContaining({ body: expect.objectContaining({ status: 403 }) }));
  expect(kill).toThrow('Faults are switched off here');
  expect(looked).toEqual([]);
});
