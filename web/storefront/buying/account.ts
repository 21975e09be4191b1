/** The signed-in customer. The session is a cookie that scripts cannot read; the server decides. */
import type { Customer } from '../../../src/api/customer.ts';
import { type Answer, askShop, fieldErrors } from './ask-shop.ts';
import { claimCart } from './cart.ts';

export type AccountOutcome =
  | { readonly kind: 'customer'; readonly customer: Customer }
  | { readonly kind: 'guest' }
  | { readonly kind: 'refused'; readonly status: number; readonly text: string }
  | { readonly kind: 'failed' };

function outcomeOf(answer: Answer): AccountOutcome {
  if (answer.kind === 'ok') return { kind: 'customer', customer: answer.body as Customer };
  if (answer.kind === 'silence' || answer.status >= 500) return { kind: 'failed' };
  return { kind: 'refused', status: answer.status, text: refusalText(answer) };
}

function refusalText({ status, problem }: Extract<Answer, { kind: 'problem' }>): string {
  if (status === 409) return 'There is already an account with this e-mail address.';
  if (status === 401) return 'E-mail and password do not match.';
  if (status === 429) return 'Too many tries. Wait a minute, then try again.';
  const [first] = Object.entries(fieldErrors(problem));
  return first === undefined ? (problem.detail ?? problem.title) : `${first[0]} ${first[1]}`;
}

export async function readAccount(): Promise<AccountOutcome> {
  const answer = await askShop('/api/customers/me');
  const isGuest = answer.kind === 'problem' && (answer.status === 401 || answer.status === 404);
  return isGuest ? { kind: 'guest' } : outcomeOf(answer);
}

export interface Credentials {
  readonly email: string;
  readonly password: string;
  /** Given: opens an account. */
  readonly name?: string;
}

/** Signs in, or up where a name is given, and takes the guest's cart along. */
export async function enterAccount(credentials: Credentials): Promise<AccountOutcome> {
  const path = credentials.name === undefined ? '/api/sessions' : '/api/customers';
  const outcome = outcomeOf(await askShop(path, { method: 'POST', body: credentials }));
  if (outcome.kind === 'customer') await claimCart();
  return outcome;
}

export async function leaveAccount(): Promise<boolean> {
  const answer = await askShop('/api/sessions', { method: 'DELETE' });
  return answer.kind === 'ok';
}

export async function renameAccount(name: string): Promise<AccountOutcome> {
  return outcomeOf(await askShop('/api/customers/me', { method: 'PATCH', body: { name } }));
}

export async function eraseAccount(): Promise<boolean> {
  const answer = await askShop('/api/customers/me', { method: 'DELETE' });
  return answer.kind === 'ok';
}
