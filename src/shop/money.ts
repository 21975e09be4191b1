/** Money: an integer count of a currency's minor units (cents for USD). Never a float. */
export interface Money {
  readonly amount: number;
  readonly currency: string;
}

export function money(amount: number, currency: string): Money {
  if (!Number.isSafeInteger(amount)) throw new RangeError(`not an integer amount: ${amount}`);
  return { amount, currency };
}

/**
 * Minor units of a decimal amount such as "12", "12.5" or "12.99". Null for anything else: signs,
 * exponents, a third digit after the point that is not zero.
 */
export function parseAmount(text: string): number | null {
  const match = /^(\d{1,12})(?:\.(\d*))?$/.exec(text.trim());
  if (match === null) return null;
  const fraction = (match[2] ?? '').replace(/0+$/, '');
  return fraction.length > 2 ? null : Number(match[1]) * 100 + Number(fraction.padEnd(2, '0'));
}

/** Formats for people, e.g. "$12.99". */
export function formatMoney(value: Money): string {
  const format = new Intl.NumberFormat('en-US', { style: 'currency', currency: value.currency });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  return format.format(value.amount / 10 ** digits);
}
