import { expect, test } from 'vitest';
import { leaveOutRefusedFlags, nodeFlags, refusedOf } from './node-flags.ts';

test('This Node takes all flags that services are started with', () => {
  const wanted = nodeFlags('gateway');
  expect(wanted).toContain('--initial-old-space-size=128');
  expect(leaveOutRefusedFlags()).toEqual([]);
  expect(nodeFlags('gateway')).toEqual(wanted);
});

test('A flag that Node does not know is found among those that it takes', () => {
  const known = ['--no-parallel-scavenge', '--disable-warning=ExperimentalWarning'];
  expect(refusedOf([...known, '--gone-in-node-30=64'])).toEqual(['--gone-in-node-30=64']);
});
