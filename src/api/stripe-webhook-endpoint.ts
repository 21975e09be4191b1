/** The address to which Stripe sends its events. */
import Type from 'typebox';
import type { Endpoint } from './endpoint.ts';

export const stripeWebhookPath = '/api/payments/stripe/webhook';

export const paymentEndpoints: readonly Endpoint[] = [
  {
    method: 'POST',
    path: stripeWebhookPath,
    tag: 'shop',
    summary: 'Events of Stripe, signed by it; 404 where no signing secret is configured',
    headers: Type.Object({ 'stripe-signature': Type.String() }),
    body: Type.Object({ id: Type.String(), type: Type.String() }, { additionalProperties: true }),
    responses: { 200: Type.Object({ received: Type.Boolean() }) },
    access: 'public',
  },
];
