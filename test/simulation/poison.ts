/**
 * Checkouts that a service cannot digest. Each must end as `failed` (a stubborn one as soon as it
 * can be written) and must not take any other checkout of its batch with it.
 */
import type { CheckoutLine } from '../../src/shop/checkout.ts';

/** The catalog cannot digest a checkout with this SKU: it fails, and all of its batch with it. */
export const undigestibleSku = 'UNDIGESTIBLE';
/** The provider neither charges nor answers this. */
export const deadToken = 'tok_timeout';
/** The provider's adapter throws when it is to charge this: a bug. */
export const brokenToken = 'tok_broken';
/** The log refuses every order of this customer. */
export const unloggable = 'unloggable';
/** The log refuses every decision on this customer's checkouts, for a while. */
export const stubborn = 'stubborn';

export const poisons = ['undigestible', 'broken', unloggable, stubborn] as const;

export function isPoisoned(checkout: {
  readonly customer: string | null;
  readonly request: {
    readonly lines: readonly CheckoutLine[];
    readonly payment: { readonly token: string };
  };
}): boolean {
  const { lines, payment } = checkout.request;
  const undigestible = lines.some(({ sku }) => sku === undigestibleSku);
  return checkout.customer !== null || undigestible || payment.token === brokenToken;
}
