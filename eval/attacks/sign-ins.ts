/** Passwords are slow to check on purpose, which makes guessing them an attack by itself. */
import type { Attack, AttackTarget } from './attack.ts';
import { addressOf, sendRequest } from './send-request.ts';

async function guess(
  { port }: AttackTarget,
  from: string,
  email: string,
  over: AbortSignal,
): Promise<number> {
  const body = { email, password: 'a wrong guess' };
  return (await sendRequest(port, { from, path: '/api/sessions', body, over })).status;
}

export const signInAttacks: readonly Attack[] = [
  {
    name: '40 sign-ins at once, one address',
    senders: 40,
    requestsPerSecond: 40,
    send: (target, n, over) => guess(target, addressOf(30, 0, 1), `nobody-${n}@example.com`, over),
  },
  {
    name: '40 sign-ins at once, 40 addresses',
    senders: 40,
    requestsPerSecond: 40,
    send: (target, n, over) => guess(target, addressOf(31, n, 40), `nobody-${n}@example.com`, over),
  },
  {
    name: 'guesses at the owner’s password, 40 addresses',
    senders: 40,
    requestsPerSecond: 40,
    send: (target, n, over) => guess(target, addressOf(32, n, 40), 'owner@localhost', over),
  },
];
