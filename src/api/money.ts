/** Money in the public contract. */
import Type, { type Static } from 'typebox';

export const Money = Type.Object(
  {
    amount: Type.Integer({ minimum: 0, description: 'minor units, e.g. cents' }),
    currency: Type.String({ pattern: '^[A-Z]{3}$', description: 'ISO 4217' }),
  },
  { $id: 'Money', examples: [{ amount: 1299, currency: 'USD' }] },
);
export type Money = Static<typeof Money>;
