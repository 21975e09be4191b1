/**
 * What a person may write as a name, an address or an e-mail address: one rule for accounts,
 * purchases and pages. Each function says what is wrong, for the person who wrote it, or null.
 */

export const passwordLengthMin = 8;

/** Invisible: what Unicode says to ignore (fillers, zero widths), and the blank Braille pattern. */
const invisible = /[\s\p{Default_Ignorable_Code_Point}\u2800]/gu;
const controlCharacter = /[\p{Cc}\p{Zl}\p{Zp}]/u;
/** Embeddings, overrides and isolates: "refund" would be shown as "dnufer". Marks may stay. */
const directionChange = /[\u202a-\u202e\u2066-\u2069]/u;
/**
 * WHATWG's rule for `<input type=email>`, with letters of all scripts (RFC 6531). A domain needs
 * no dot: the owner of a fresh shop is `owner@localhost`.
 */
const localPart = /[\p{L}\p{M}\p{N}.!#$%&'*+/=?^_`{|}~-]{1,64}/u.source;
const domainLabel = /(?!-)[\p{L}\p{M}\p{N}-]{1,63}(?<!-)/u.source;
const emailForm = new RegExp(`^${localPart}@${domainLabel}(\\.${domainLabel})*$`, 'u');

export function isBlank(text: string): boolean {
  return text.replace(invisible, '') === '';
}

/** For a line of text that may be empty. */
export function textProblem(text: string): string | null {
  if (controlCharacter.test(text)) return 'must be one line without control characters';
  if (directionChange.test(text)) return 'must not change the direction of text';
  return text.isWellFormed() ? null : 'holds half of a character';
}

/** For a name, a street, a town. */
export function nameProblem(text: string): string | null {
  return textProblem(text) ?? (isBlank(text) ? 'must not be blank' : null);
}

export function emailProblem(text: string): string | null {
  return emailForm.test(text) ? null : 'must be an e-mail address, such as ada@example.com';
}
