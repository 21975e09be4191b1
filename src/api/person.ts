/** What people write about themselves, as schemas: the rules of `shop/text-rules.ts` by name. */
import { iso31661Alpha2ToAlpha3 } from 'iso-3166/1-a2-to-1-a3.js';
import Type, { type TStringOptions } from 'typebox';
import {
  emailProblem,
  isBlank,
  nameProblem,
  passwordLengthMin,
  textProblem,
} from '../shop/text-rules.ts';

const passwordLengthMax = 200;
const emailLengthMax = 254;
const textLengthMax = 200;

/** ISO 3166-1, and Kosovo's code: not assigned, but what posts, banks and the EU use. */
const countries = new Set([...Object.keys(iso31661Alpha2ToAlpha3), 'XK']);

function ruled(options: TStringOptions, problemOf: (text: string) => string | null) {
  const isRight = (text: string) => problemOf(text) === null;
  return Type.Refine(Type.String(options), isRight, (text) => problemOf(text) ?? '');
}

/** A line that must not be blank. */
export function nameText(description: string, maxLength = textLengthMax) {
  return ruled({ minLength: 1, maxLength, description }, nameProblem);
}

/** A line that may be empty. */
export function lineText(description: string) {
  return ruled({ maxLength: textLengthMax, description }, textProblem);
}

export const Email = ruled(
  { maxLength: emailLengthMax, description: 'an e-mail address' },
  emailProblem,
);

/** To sign in with: an account that is older than a rule must still be found. */
export const GivenEmail = ruled(
  { minLength: 1, maxLength: emailLengthMax, description: 'the e-mail address of an account' },
  textProblem,
);

export const NewPassword = ruled(
  { minLength: passwordLengthMin, maxLength: passwordLengthMax },
  (text) => (isBlank(text) ? 'must not be blank' : null),
);
export const GivenPassword = Type.String({ minLength: 1, maxLength: passwordLengthMax });

export const Country = ruled(
  { minLength: 2, maxLength: 2, description: 'ISO 3166-1 alpha-2' },
  (text) => (countries.has(text) ? null : 'must be a country’s code of two letters, such as GB'),
);
