/** What the checkout asks for, what is wrong with an answer, and the request it becomes. Pure. */
import type { PurchaseRequest } from '../../../src/api/order.ts';
import type { Money } from '../../../src/shop/money.ts';
import { needsPostalCode } from '../../../src/shop/postal-code.ts';
import { emailProblem, isBlank } from '../../../src/shop/text-rules.ts';
import type { Basket } from './basket.ts';
import type { CheckoutDraft } from './session-memory.ts';

export const emptyDraft: CheckoutDraft = {
  email: '',
  name: '',
  line1: '',
  line2: '',
  city: '',
  region: '',
  postalCode: '',
  country: 'US',
  token: 'tok_ok',
};

export type DraftErrors = Partial<Record<keyof CheckoutDraft, string>>;

const needed: readonly (readonly [keyof CheckoutDraft, string])[] = [
  ['name', 'Who should receive the parcel?'],
  ['line1', 'Which street and house?'],
  ['city', 'Which town?'],
  ['postalCode', 'Which postal code?'],
];

/** Messages by field; none means that it can be sent. */
export function draftErrors(draft: CheckoutDraft): DraftErrors {
  const errors: DraftErrors = {};
  if (emailProblem(draft.email.trim()) !== null) {
    errors.email = 'Enter an e-mail address, such as ada@example.com.';
  }
  for (const [field, message] of needed) {
    const isNeeded = field !== 'postalCode' || needsPostalCode(draft.country);
    if (isNeeded && isBlank(draft[field])) errors[field] = message;
  }
  return errors;
}

/** `expectedTotal` is what the shopper was shown: the shop places nothing that is dearer. */
export function purchaseRequest(
  draft: CheckoutDraft,
  basket: Basket,
  expectedTotal: Money = basket.total,
): PurchaseRequest {
  const text = (field: keyof CheckoutDraft) => draft[field].trim();
  const { cartId, lines } = basket;
  return {
    ...(cartId === null
      ? { lines: lines.map(({ sku, quantity }) => ({ sku, quantity })) }
      : { cartId }),
    email: text('email'),
    shippingAddress: {
      name: text('name'),
      line1: text('line1'),
      ...(text('line2') === '' ? {} : { line2: text('line2') }),
      city: text('city'),
      ...(text('region') === '' ? {} : { region: text('region') }),
      ...(text('postalCode') === '' ? {} : { postalCode: text('postalCode') }),
      country: draft.country,
    },
    payment: { method: 'test', token: draft.token },
    expectedTotal,
  };
}

export const countries: readonly (readonly [code: string, name: string])[] = [
  ['AR', 'Argentina'],
  ['AU', 'Australia'],
  ['AT', 'Austria'],
  ['BE', 'Belgium'],
  ['BR', 'Brazil'],
  ['BG', 'Bulgaria'],
  ['CA', 'Canada'],
  ['CL', 'Chile'],
  ['HR', 'Croatia'],
  ['CY', 'Cyprus'],
  ['CZ', 'Czechia'],
  ['DK', 'Denmark'],
  ['EE', 'Estonia'],
  ['FI', 'Finland'],
  ['FR', 'France'],
  ['DE', 'Germany'],
  ['GR', 'Greece'],
  ['HK', 'Hong Kong'],
  ['HU', 'Hungary'],
  ['IS', 'Iceland'],
  ['IN', 'India'],
  ['IE', 'Ireland'],
  ['IT', 'Italy'],
  ['JP', 'Japan'],
  ['KE', 'Kenya'],
  ['LV', 'Latvia'],
  ['LT', 'Lithuania'],
  ['LU', 'Luxembourg'],
  ['MT', 'Malta'],
  ['MX', 'Mexico'],
  ['NL', 'Netherlands'],
  ['NZ', 'New Zealand'],
  ['NG', 'Nigeria'],
  ['NO', 'Norway'],
  ['PL', 'Poland'],
  ['PT', 'Portugal'],
  ['RO', 'Romania'],
  ['SG', 'Singapore'],
  ['SK', 'Slovakia'],
  ['SI', 'Slovenia'],
  ['ZA', 'South Africa'],
  ['KR', 'South Korea'],
  ['ES', 'Spain'],
  ['SE', 'Sweden'],
  ['CH', 'Switzerland'],
  ['TR', 'Türkiye'],
  ['UA', 'Ukraine'],
  ['GB', 'United Kingdom'],
  ['US', 'United States'],
];

export const testPayments: readonly (readonly [token: string, name: string, note: string])[] = [
  ['tok_ok', 'Test card', 'Pays at once'],
  ['tok_slow', 'Slow test card', 'Pays after two seconds'],
  ['tok_declined', 'Empty test card', 'Is declined'],
  ['tok_timeout', 'Silent test card', 'The bank never answers'],
];
