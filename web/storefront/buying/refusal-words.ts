/** Why a purchase was refused and what to do next, in plain words. Pure. */
import type { ProblemDocument } from '../../../src/api/endpoint.ts';
import type { Quote } from '../../../src/api/order.ts';
import { formatMoney, type Money } from '../../../src/shop/money.ts';
import { type Answer, fieldErrors } from './ask-shop.ts';

export interface RefusalWords {
  readonly title: string;
  readonly text: string;
}

const nothingCharged = 'Nothing was charged.';

const words: Readonly<Record<string, RefusalWords>> = {
  'sold-out': {
    title: 'Somebody was quicker',
    text:
      `There is not enough left of what you wanted. ${nothingCharged} ` +
      'Choose fewer, or another toy.',
  },
  'payment-declined': {
    title: 'The payment was declined',
    text: `${nothingCharged} Choose another way to pay and place the order again.`,
  },
  'payment-timeout': {
    title: 'The bank did not answer',
    text: `${nothingCharged} Try again, or choose another way to pay.`,
  },
  'unknown-sku': {
    title: 'This toy is no longer sold',
    text: `${nothingCharged} Take it out of your cart and have a look at the others.`,
  },
  'total-too-large': {
    title: 'Too much for one order',
    text:
      `One order cannot cost this much. ${nothingCharged} ` +
      'Take something out of your cart, or ask us.',
  },
  'cart-already-bought': {
    title: 'You have bought this cart already',
    text: `Another tab or device was first. ${nothingCharged} You find it under “Find my order”.`,
  },
  'price-changed': {
    title: 'The price has gone up',
    text:
      `Your order costs more now than when you saw it. ${nothingCharged} ` +
      'Your cart shows the new price.',
  },
  expired: {
    title: 'The line was too long',
    text:
      `Your checkout waited longer than we allow, so we let it go. ${nothingCharged} ` +
      'Please try again.',
  },
  failed: {
    title: 'We could not finish this order',
    text: `${nothingCharged} We have been told and will look into it. Please try again.`,
  },
};

const fallback: RefusalWords = {
  title: 'This order was not accepted',
  text: `${nothingCharged} Please check what you entered and try again.`,
};

export function refusalWords(reason: string): RefusalWords {
  return words[reason] ?? fallback;
}

/** What the purchase would cost now, where it was refused for its price. */
export function quotedTotal(problem: ProblemDocument): Money | null {
  return (problem as { quote?: Quote }).quote?.total ?? null;
}

type ProblemAnswer = Extract<Answer, { kind: 'problem' }>;

/** As `refusalWords`, with what the answer says itself: how many are left, which field is wrong. */
export function refusalOf(reason: string, { problem }: ProblemAnswer): RefusalWords {
  const { title, text } = refusalWords(reason);
  const { available } = problem as { available?: unknown };
  if (reason === 'sold-out' && typeof available === 'number' && available > 0) {
    const left = available === 1 ? 'Only one is left' : `Only ${available} are left`;
    return { title: left, text: `${nothingCharged} Choose fewer and place the order again.` };
  }
  const { order } = problem as { order?: { number?: string } };
  if (reason === 'cart-already-bought' && order?.number !== undefined) {
    return { title, text: `It became order ${order.number}. ${nothingCharged}` };
  }
  const total = quotedTotal(problem);
  if (total !== null) {
    const now = `Your order costs ${formatMoney(total)} now.`;
    return {
      title,
      text: `${now} ${nothingCharged} If that is fine with you, order at this price.`,
    };
  }
  if (words[reason] !== undefined) return { title, text };
  const fields = Object.entries(fieldErrors(problem)).map(([field, error]) => `${field} ${error}`);
  const detail = fields.length > 0 ? fields.join(', ') : (problem.detail ?? '');
  return { title, text: detail === '' ? text : `${nothingCharged} ${detail}.` };
}
