/** Where an instance of the orders service runs, by its address: what happens there, or nothing. */
import type { OrdersSlot } from './shop-world.ts';
import { newServer } from './simulated-network.ts';

export function newOrdersSlot(url: string): OrdersSlot {
  const slot: OrdersSlot = {
    server: newServer(url),
    service: null,
    ask: (route, options) =>
      new Promise((resolve, reject) => {
        const { service } = slot;
        service?.process.deliver(() => service.answer(route, options).then(resolve, reject));
      }),
    attach: (make, gateway) =>
      new Promise((resolve) => {
        const { service } = slot;
        service?.process.deliver(() => resolve(service.attach(make(service.process), gateway)));
      }),
  };
  return slot;
}
