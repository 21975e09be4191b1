/** Names that machines and addresses use: a product's handle, a variant's SKU. */
import { hash } from 'node:crypto';

const handleLengthMax = 255;
const digestLength = 12;
export const skuLengthMax = 255;

/** "Crème Brûlée, 2 pcs." becomes "creme-brulee-2-pcs". May be empty, for a title of symbols. */
export function handleFrom(text: string): string {
  const handle = foldAccents(text)
    .toLowerCase()
    .replace(/['’]/g, '')
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-+|-+$/g, '');
  return handle.length <= handleLengthMax ? handle : shortened(handle);
}

/** Long handles that begin alike stay different: the end is a digest of the whole. */
function shortened(handle: string): string {
  const digest = hash('sha256', handle).slice(0, digestLength);
  const start = handle.slice(0, handleLengthMax - digestLength - 1);
  return `${start.replace(/[-\ud800-\udbff]+$/, '')}-${digest}`;
}

/** A handle that was given is kept when it is fit for an address; otherwise it is made fit. */
export function cleanHandle(given: string): string {
  const handle = given.trim().toLowerCase();
  if (handle.length <= handleLengthMax && /^[\p{L}\p{N}][\p{L}\p{N}._~-]*$/u.test(handle)) {
    return handle;
  }
  return handleFrom(handle);
}

/** A SKU for a variant that came without one, e.g. "TEDDY-BEAR-SMALL". */
export function skuFrom(handle: string, optionValues: readonly string[]): string {
  return handleFrom([handle, ...optionValues].join(' '))
    .toUpperCase()
    .slice(0, skuLengthMax);
}

/** The first of `base`, `base-2`, `base-3`, … that is not taken. */
export function firstFree(base: string, isTaken: (name: string) => boolean): string {
  if (!isTaken(base)) return base;
  let number = 2;
  while (isTaken(`${base}-${number}`)) number += 1;
  return `${base}-${number}`;
}

/** Letters without their accents, so that "creme" finds "crème". */
function foldAccents(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .normalize('NFC');
}
