import { defineConfig } from 'vitest/config';

/** Pure and small tests first, side by side; then those that share one running shop, in turn. */
export default defineConfig({
  test: {
    reporters: process.env['CI'] === undefined ? ['default'] : ['default', 'json'],
    outputFile: 'reports/tests.json',
    projects: [
      {
        test: {
          name: 'parts',
          include: ['{src,web,eval,test,tools}/**/*.test.{ts,tsx}'],
          exclude: ['test/shop/**', 'test/e2e/**', 'node_modules/**'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'shop',
          include: ['test/{shop,e2e}/**/*.test.ts'],
          globalSetup: ['test/shop/shop-fixture.ts'],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
