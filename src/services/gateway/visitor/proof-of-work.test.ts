import { describe, expect, test } from 'vitest';
import { fakeService, fakeShop } from '../../../../test/gateway/fake-shop.ts';
import { openClientLimits } from './client-limits.ts';
import { isSolved, ProofOfWork } from './proof-of-work.ts';

const key = Buffer.alloc(32, 9);

function solve(challenge: string, bits: number): string {
  for (let nonce = 0; ; nonce += 1) {
    if (isSolved(challenge, String(nonce), bits)) return `${challenge}:${nonce}`;
  }
}

describe('a proof of work', () => {
  test('is accepted once, from the client that was asked, while it is fresh', () => {
    let now = 1_000_000;
    const work = new ProofOfWork(8, key, () => now);
    const { challenge, bits } = work.challengeFor('10.0.0.1');
    const proof = solve(challenge, bits);
    expect(work.accepts('10.0.0.2', proof)).toBe(false);
    expect(work.accepts('10.0.0.1', proof)).toBe(true);
    expect(work.accepts('10.0.0.1', proof)).toBe(false);
    const late = solve(work.challengeFor('10.0.0.1').challenge.replace(/^\d+/, '999'), 8);
    expect(work.accepts('10.0.0.1', late)).toBe(false);
    now += 1;
    const old = solve(work.challengeFor('10.0.0.1').challenge, 8);
    now += 121_000;
    expect(work.accepts('10.0.0.1', old)).toBe(false);
  });

  test.each([undefined, '', 'x', '1.2:3', `1.${'A'.repeat(22)}:`, `${'9'.repeat(400)}:1`])(
    '%s is none',
    (proof) => {
      expect(new ProofOfWork(8, key).accepts('10.0.0.1', proof)).toBe(false);
    },
  );

  test('lets a client that has used up its limit go on', async () => {
    await using customers = await fakeService('customers', (_request, response) => {
      response.end('{}');
    });
    const limits = openClientLimits(new ProofOfWork(8, key));
    await using shop = await fakeShop([customers], { limits });
    const signIn = (headers: Record<string, string> = {}) =>
      fetch(`${shop.url}/api/sessions`, { method: 'POST', body: '{}', headers });
    for (let i = 0; i < 30; i += 1) expect((await signIn()).status).toBe(200);
    const refused = await signIn();
    expect(refused.status).toBe(429);
    const { challenge, bits } = (await refused.json()).proofOfWork;
    const headers = { 'doorbuster-proof': solve(challenge, bits) };
    expect((await signIn(headers)).status).toBe(200);
    expect((await signIn(headers)).status).toBe(429);
  });
});
