import { address } from '../cluster/shop-client.ts';

/** One unit for a guest. */
export function purchaseBody(sku: string, email: string, token: string) {
  const lines = [{ sku, quantity: 1 }];
  return { lines, email, shippingAddress: address, payment: { method: 'test', token } };
}
