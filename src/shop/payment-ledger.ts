/**
 * The test provider's ledger: one line an event, `capture KEY AMOUNT CURRENCY`, `void KEY`,
 * `refund KEY`. A key is a checkout's id. The same event may be written twice and counts once; a
 * capture behind a void of the same key counts for nothing.
 *
 * A line may be cut off where its writer died, and the next line may follow it directly. A charge
 * whose line was cut off was never answered, so it is asked for and written again.
 */
export interface Captured {
  /** Minor units. */
  readonly amount: number;
  readonly currency: string;
}

const key = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
const captureForm = new RegExp(`capture (${key}) (\\d{1,15}) ([A-Z]{3})$`);
const undoForm = new RegExp(`(?:void|refund) (${key})$`);

export class PaymentLedger {
  readonly captured = new Map<string, Captured>();
  readonly #undone = new Set<string>();
  /** Lines that say nothing, e.g. cut off by a crash. */
  unreadable = 0;

  add(line: string): void {
    if (line === '') return;
    const [, undone] = undoForm.exec(line) ?? [];
    const [, id, amount, currency] = captureForm.exec(line) ?? [];
    if (undone !== undefined) {
      this.#undone.add(undone);
      this.captured.delete(undone);
    } else if (id === undefined || currency === undefined) this.unreadable += 1;
    else if (!this.#undone.has(id)) this.captured.set(id, { amount: Number(amount), currency });
  }
}
