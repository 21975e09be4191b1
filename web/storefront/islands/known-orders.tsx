import { useEffect, useState } from 'react';
import { orderAddress } from '../buying/purchase.ts';
import { type OrderTicket, readTickets } from '../buying/session-memory.ts';

/** Orders that were placed on this device. Shown only here; the keys never left it. */
export function KnownOrders() {
  const [tickets, setTickets] = useState<readonly OrderTicket[]>([]);
  useEffect(() => setTickets(readTickets()), []);
  if (tickets.length === 0) return null;
  const date = new Intl.DateTimeFormat('en', { dateStyle: 'long', timeStyle: 'short' });
  return (
    <section className="panel" aria-labelledby="known-title">
      <h2 id="known-title">Bought on this device</h2>
      <ul className="order-list">
        {tickets.map((ticket) => (
          <li key={ticket.number}>
            <a href={orderAddress(ticket)}>Order {ticket.number}</a>
            <time dateTime={ticket.placedAt}>{date.format(new Date(ticket.placedAt))}</time>
          </li>
        ))}
      </ul>
    </section>
  );
}
