/**
 * What each field of a product may hold: one rule for product files and for the owner's requests.
 * A rule says what the text becomes, with a note where that is not what was written, or why it
 * cannot be understood. Pure.
 */
import { unitPriceMax } from './product.ts';

export type Reading<T> =
  | { readonly value: T; readonly note?: string; readonly fault?: undefined }
  | { readonly fault: string; readonly note?: undefined; readonly value?: undefined };

export const lineLengthMax = 255;
export const descriptionLengthMax = 500_000;
export const seoTextLengthMax = 1_000;
const altLengthMax = 510;
const namesMax = 250;
export const imagesMax = 250;
const urlLengthMax = 2_048;
const gramsMax = 1_000_000_000;

export const statuses = ['active', 'draft', 'archived', 'unlisted'] as const;
export type Status = (typeof statuses)[number];
export const weightUnits = ['g', 'kg', 'oz', 'lb'] as const;
/** For display; weights are in grams. Empty: grams. */
export type WeightUnit = (typeof weightUnits)[number] | '';

/** Zero widths, and changes of direction that reach into the text around them. */
const invisible = /[\u200b\u2060\ufeff\u202a-\u202e\u2066-\u2069]/gu;
const control = /[\p{Cc}\p{Zl}\p{Zp}]+/gu;

/** Why something is no text, or null. */
export function textFault(text: string): string | null {
  if (text.includes('\u0000')) return 'holds a NUL character, so it is not text';
  // The mark that a program leaves where it could not read a letter.
  if (!text.includes('\ufffd')) return null;
  return 'holds "\ufffd": a letter was lost before it came here; type it again';
}

/** One line: line breaks and tabs become blanks. */
export function readLine(text: string, lengthMax = lineLengthMax): Reading<string> {
  const fault = textFault(text);
  if (fault !== null) return { fault };
  const value = text.replace(invisible, '').replace(control, ' ').trim();
  return value.length <= lengthMax ? { value } : { fault: `longer than ${lengthMax} characters` };
}

/** What a picture shows: text that may have several lines. */
export function readAlt(text: string): Reading<string> {
  const lines = text.split(/\r\n?|\n/).map((line) => readLine(line, altLengthMax));
  const value = lines.map((line) => line.value).join('\n');
  const tooLong =
    value.length > altLengthMax ? `longer than ${altLengthMax} characters` : undefined;
  const fault = lines.find((line) => line.fault !== undefined)?.fault ?? tooLong;
  return fault === undefined ? { value } : { fault };
}

/** Tags, or titles of collections: each once, without empty ones. */
export function readNames(names: readonly string[], noun: string): Reading<string[]> {
  const lines = names.map((name) => readLine(name));
  const fault = lines.find((line) => line.fault !== undefined)?.fault;
  if (fault !== undefined) return { fault: `a ${noun} is not usable: ${fault}` };
  const value = [...new Set(lines.flatMap((line) => line.value || []))];
  return value.length <= namesMax ? { value } : { fault: `more than ${namesMax} ${noun}s` };
}

/** `https://…`, or a path of this shop. Blanks and letters beyond ASCII are escaped. */
export function readPicture(text: string): Reading<string> {
  const trimmed = text.trim();
  const url = URL.parse(trimmed, 'https://shop.invalid/');
  const isOwn = /^\/(?!\/)/.test(trimmed) && url?.pathname.startsWith('/media/') === true;
  const isWeb = /^(https?:)?\/\/[^/]/i.test(trimmed) && url !== null;
  if (!isOwn && !isWeb) return { fault: `"${excerpt(trimmed)}" is not a web address` };
  const isPlain = url.protocol === 'http:';
  if (isPlain) url.protocol = 'https:';
  const value = isOwn ? url.pathname + url.search : url.href;
  if (value.length > urlLengthMax) return { fault: `longer than ${urlLengthMax} characters` };
  return isPlain
    ? { value, note: 'pages load no http pictures: https is tried instead' }
    : { value };
}

/** Like a line; a spreadsheet may have rounded it. */
export function readBarcode(text: string): Reading<string> {
  const line = readLine(text);
  if (line.value === undefined || !/^\d(\.\d+)?E\+\d+$/i.test(line.value)) return line;
  return { ...line, note: 'a spreadsheet has rounded this number: look it up' };
}

/** Minor units. Zero is a price: some things are given away. */
export function readAmount(amount: number): Reading<number> {
  if (amount < 0) return { fault: 'a price cannot be negative' };
  if (amount > unitPriceMax) return { fault: `a price is at most ${unitPriceMax / 100}` };
  return { value: amount };
}

export function readGrams(grams: number): Reading<number> {
  if (grams < 0) return { fault: 'a weight cannot be negative' };
  return grams <= gramsMax ? { value: grams } : { fault: `a weight is at most ${gramsMax} grams` };
}

export function excerpt(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
