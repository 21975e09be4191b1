import { expect, test } from 'vitest';
import { Problem, unavailable } from '../../kit/http/problem.ts';
import { isTransient } from './retryable-error.ts';

test.each([
  ['a service that is down', unavailable('no catalog service is ready')],
  ['insides that do not know each other', new Problem(401, 'internal-only', 'Only the shop')],
  ['a table that is about to be made', Object.assign(new Error('relation'), { code: '42P01' })],
  ['a lost connection', Object.assign(new Error('reset'), { code: 'ECONNRESET' })],
])('%s is no fault of the checkout', (_what, error) => {
  expect(isTransient(error)).toBe(true);
});

test.each([
  ['a request that is refused', new Problem(400, 'bad-request', 'Not readable')],
  ['a constraint that is broken', Object.assign(new Error('duplicate'), { code: '23505' })],
  ['a defect', new TypeError('not a function')],
])('%s counts against it', (_what, error) => {
  expect(isTransient(error)).toBe(false);
});
