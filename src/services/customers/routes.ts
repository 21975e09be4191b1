/** All that the customers service answers, from the parts that it is made of. */

import type { FastifyInstance } from 'fastify';
import { type AccountParts, addAccountRoutes } from './account-routes.ts';
import { type AdminParts, addAdminRoutes } from './admin-routes.ts';
import { addCartRoutes, type CartParts, privateAnswer } from './cart-routes.ts';
import { addSessionRoutes } from './session-routes.ts';

export type CustomersParts = AccountParts & CartParts & AdminParts;

export function addCustomersRoutes(app: FastifyInstance, parts: CustomersParts): void {
  // All answers here belong to one person.
  app.addHook('preHandler', async (_request, reply) => void reply.headers(privateAnswer));
  addSessionRoutes(app, parts);
  addAccountRoutes(app, parts);
  addCartRoutes(app, parts);
  addAdminRoutes(app, parts);
}
