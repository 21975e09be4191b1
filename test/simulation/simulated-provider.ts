/**
 * A payment provider with its own books. It keeps its promises (one charge a key, a void wins over
 * a late charge) and breaks everything else: it is slow, never answers, answers after its client
 * has gone, charges and loses the answer. Its accounts are the witness of what was captured.
 */
import type { PaymentAccount } from '../../eval/history/history.ts';
import type { Charge } from '../../src/services/worker/payment.ts';

interface Account {
  readonly amount: number;
  readonly verdict: 'approved' | 'declined';
  captured: number;
  returned: number;
  voided: boolean;
}

export type Verdict =
  | { readonly kind: 'approved'; readonly paymentId: string }
  | {
      readonly kind: 'declined';
    };

export class SimulatedProvider {
  readonly #accounts = new Map<string, Account>();
  /** Keys that were charged for two different amounts: a bug of the shop, at once. */
  readonly quarrels: string[] = [];

  async charge({ key, amount, token }: Charge): Promise<Verdict> {
    const known = this.#accounts.get(key);
    if (known !== undefined && known.amount !== amount && !known.voided) this.quarrels.push(key);
    const account = known ?? this.#open(key, amount, token);
    if (account.verdict === 'declined' || account.voided) return { kind: 'declined' };
    return { kind: 'approved', paymentId: `payment of ${key}` };
  }

  #open(key: string, amount: number, token: string): Account {
    const verdict = token === 'tok_declined' ? 'declined' : 'approved';
    const captured = verdict === 'approved' ? amount : 0;
    const account: Account = { amount, verdict, captured, returned: 0, voided: false };
    this.#accounts.set(key, account);
    return account;
  }

  async void(key: string): Promise<void> {
    const known = this.#accounts.get(key);
    const blank: Account = {
      amount: 0,
      verdict: 'declined',
      captured: 0,
      returned: 0,
      voided: true,
    };
    if (known === undefined) this.#accounts.set(key, blank);
    else Object.assign(known, { voided: true, returned: known.captured });
  }

  async refund(key: string): Promise<void> {
    const known = this.#accounts.get(key);
    if (known !== undefined) known.returned = known.captured;
  }

  /** For checkers. */
  inspect(): PaymentAccount[] {
    return [...this.#accounts].map(([key, { captured, returned }]) => ({
      key,
      captured,
      returned,
    }));
  }
}
