/** What numbers, words of a list and yes or no look like in a cell. Pure. */
import { parseAmount } from '../../../shop/money.ts';
import { stockUnitsMax } from '../../../shop/product.ts';
import {
  excerpt,
  type Reading,
  readAmount,
  readGrams,
  type Status,
  statuses,
  type WeightUnit,
  weightUnits,
} from '../../../shop/product-fields.ts';

/**
 * A number as people and spreadsheets write it, with a point before its decimals and no other mark:
 * "1,234.50" and "1.234,50" become "1234.50". Null for what is no number or can be read in two
 * ways.
 */
function plainNumber(cell: string): string | null {
  const text = cell.replace(/[\s'’]/g, '');
  const [, whole, decimals] = /^(\d+|\d{1,3}(?:,\d{3})+)(?:\.(\d*))?$/.exec(text) ?? [];
  if (whole !== undefined) return `${whole.replaceAll(',', '')}.${decimals ?? ''}`;
  const [, units, rest] = /^(\d+|\d{1,3}(?:\.\d{3})+)(?:,(\d*))?$/.exec(text) ?? [];
  return units === undefined ? null : `${units.replaceAll('.', '')}.${rest ?? ''}`;
}

/** Why a number cannot be read: "1.250" is 1250 in one country and 1.25 in another. */
function numberFault(cell: string, digits: string, noun: string): string {
  return isOpen(digits)
    ? `"${cell}" means two things: write ${digits.replace('.', '')} or ${Number(digits)}`
    : `"${excerpt(cell)}" is not ${noun}`;
}

function isOpen(digits: string): boolean {
  return /^\d{1,3}\.\d{3}$/.test(digits);
}

/** Minor units of the shop's currency, with or without its sign. */
export function readPrice(cell: string): Reading<number> {
  const text = cell.replace(/^(US)?\$\s*|\s*USD$|^USD\s*/i, '');
  const [, minus, digits = ''] = /^([-\u2212])?\s*(.*)$/s.exec(text) ?? [];
  const amount = isOpen(digits) ? null : parseAmount(plainNumber(digits) ?? '');
  if (amount === null) return { fault: numberFault(cell, digits, 'a price such as 12.99') };
  return readAmount(minus === undefined ? amount : -amount);
}

/** Whole units. Below zero is what a shop sold that it did not have. */
export function readQuantity(cell: string): Reading<number> {
  const [, minus, digits = ''] = /^([-\u2212])?\s*(.*)$/s.exec(cell) ?? [];
  const [, units] = /^(\d+)\.0*$/.exec(plainNumber(digits) ?? '') ?? [];
  if (units === undefined || isOpen(digits)) {
    return { fault: numberFault(cell, digits, 'a whole number') };
  }
  if (Number(units) > stockUnitsMax) return { fault: `a quantity is at most ${stockUnitsMax}` };
  if (minus === undefined || Number(units) === 0) return { value: Number(units) };
  return { value: 0, note: `a quantity cannot be negative: ${excerpt(cell)} is read as 0` };
}

export function readWeight(cell: string): Reading<number> {
  const number = plainNumber(cell);
  return number === null
    ? { fault: `"${excerpt(cell)}" is not a number of grams` }
    : readGrams(Number(number));
}

export function readWeightUnit(cell: string): Reading<WeightUnit> {
  return oneOf(cell, ['', ...weightUnits]);
}

export function readStatus(cell: string): Reading<Status> {
  return oneOf(cell, statuses);
}

function oneOf<T extends string>(cell: string, words: readonly T[]): Reading<T> {
  const value = words.find((word) => word === cell.toLowerCase());
  const known = words.filter((word) => word !== '').join(', ');
  return value === undefined ? { fault: `"${excerpt(cell)}" is none of ${known}` } : { value };
}

/** Spreadsheets write true and false in the language of their user. */
export function readBoolean(cell: string): Reading<boolean> {
  if (/^(true|yes|1|wahr|vrai|verdadero|vero|waar)$/i.test(cell)) return { value: true };
  if (/^(false|no|0|falsch|faux|falso|onwaar)$/i.test(cell)) return { value: false };
  return { fault: `"${excerpt(cell)}" is neither true nor false` };
}
