import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { exportFigure } from './exported-metric.ts';

it('is a counter where its name says so, a gauge elsewhere, read anew each time', async () => {
  const register = new Registry();
  let count = 3;
  exportFigure(register, { name: 'sold_total', help: 'sold', read: () => count });
  exportFigure(register, { name: 'open', help: 'open', read: () => [['a', count]], label: 'of' });
  await register.metrics();
  count = 5;
  const text = await register.metrics();
  expect(text).toContain('# TYPE sold_total counter\nsold_total 5\n');
  expect(text).toContain('# TYPE open gauge\nopen{of="a"} 5\n');
});
