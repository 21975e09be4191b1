/** A bad payment provider: the test provider reads its behaviour from a file in the home. */
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Fault } from './fault.ts';

const troubleMs = 8_000;

interface Behaviour {
  readonly latencyMs?: number;
  readonly failureRate?: number;
}

function payments(name: string, sentence: string, behaviour: Behaviour): Fault {
  return {
    name: `payments-${name}`,
    sentence,
    lastsMs: troubleMs,
    async inflict(shop) {
      const folder = path.join(shop.home, 'payments');
      const file = path.join(folder, 'test-provider.json');
      mkdirSync(folder, { recursive: true });
      writeFileSync(`${file}.new`, JSON.stringify(behaviour));
      renameSync(`${file}.new`, file);
      return async () => rmSync(file, { force: true });
    },
  };
}

export const paymentFaults: readonly Fault[] = [
  payments('down', 'the payment provider fails every charge', { failureRate: 1 }),
  payments('flaky', 'the payment provider leaves every fifth charge unanswered', {
    failureRate: 0.2,
  }),
  payments('slow', 'the payment provider takes 1.5 s for each charge', { latencyMs: 1_500 }),
  payments('silent', 'the payment provider never answers', { latencyMs: 3_600_000 }),
];
