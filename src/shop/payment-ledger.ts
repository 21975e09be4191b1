/**
 * The test provider's ledger: one line an event, `capture KEY AMOUNT CURRENCY`, `void KEY`,
 * `refund KEY`. A key is a checkout's id. The same event may be written twice and counts once; a
 * capture behind a void of the same key counts for nothing.
 */
export interface Captured {
  /** Minor units. */
  readonly amount: number;
  readonly currency: string;
}

export class PaymentLedger {
  readonly captured = new Map<string, Captured>();
  readonly #undone = new Set<string>();

  /** Reads one line. Returns false where it is none of ours, e.g. cut off by a crash. */
  add(line: string): boolean {
    const [event, key, amount, currency] = line.split(' ');
    if (key === undefined) return false;
    if (event === 'void' || event === 'refund') {
      this.#undone.add(key);
      this.captured.delete(key);
      return true;
    }
    if (event !== 'capture' || amount === undefined || currency === undefined) return false;
    if (!this.#undone.has(key)) this.captured.set(key, { amount: Number(amount), currency });
    return true;
  }

  get total(): number {
    let sum = 0;
    for (const { amount } of this.captured.values()) sum += amount;
    return sum;
  }
}
