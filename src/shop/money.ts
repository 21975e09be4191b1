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
 * Reads a decimal amount such as "12", "12.5" or "12.99" in a currency with `digits` minor digits.
 * Returns null for anything else: signs, exponents, more digits than the currency has.
 */
export function parseAmount(text: string, digits = 2): number | null {
  const match = /^(\d{1,12})(?:\.(\d*))?$/.exec(text.trim());
  if (match === null) return null;
  const fraction = (match[2] ?? '').replace(/0+$/, '');
  if (fraction.length > digits) return null;
  return Number(match[1]) * 10 ** digits + Number(fraction.padEnd(digits, '0') || '0');
}

/** Formats for people, e.g. "$12.99". */
export function formatMoney(value: Money, locale = 'en-US'): string {
  const format = new Intl.NumberFormat(locale, { style: 'currency', currency: value.currency });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  return format.format(value.amount / 10 ** digits);
}
