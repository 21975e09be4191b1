import { expect, test } from 'vitest';
import { fixedTiers, scalingForMachine } from './machine-limits.ts';

test('Two cores carry sixteen workers and one gateway, unless a setting says otherwise', () => {
  const small = scalingForMachine(2, 24e9);
  expect(small.worker).toMatchObject({ serversMin: 1, serversMax: 16 });
  expect(small.servers.gateway).toMatchObject({ serversMin: 1, serversMax: 1 });
  const limits = scalingForMachine(2, 24e9, {
    DOORBUSTER_WORKERS_MAX: '3',
    DOORBUSTER_GATEWAYS: '2',
  });
  expect(limits.worker.serversMax).toBe(3);
  expect(limits.servers.gateway).toMatchObject({ serversMin: 2, serversMax: 2 });
});

test('Little memory carries fewer workers, and always one', () => {
  expect(scalingForMachine(8, 2e9).worker.serversMax).toBe(4);
  expect(scalingForMachine(1, 2e8).worker.serversMax).toBe(1);
});

test('On two cores only workers can be more; on more cores every tier can', () => {
  expect(fixedTiers(scalingForMachine(2, 24e9))).toEqual(['gateway', 'storefront', 'catalog']);
  expect(fixedTiers(scalingForMachine(8, 24e9))).toEqual([]);
});
