import { type FormEvent, useEffect, useState } from 'react';
import type { Customer } from '../../../src/api/customer.ts';
import type { Order } from '../../../src/api/order.ts';
import { Field } from '../../ui/field.tsx';
import { Notice } from '../../ui/notice.tsx';
import { moneyText } from '../../ui/price.tsx';
import { ReloadButton } from '../../ui/reload-button.tsx';
import {
  type AccountOutcome,
  eraseAccount,
  leaveAccount,
  readAccount,
  renameAccount,
} from '../buying/account.ts';
import { askShop } from '../buying/ask-shop.ts';
import { keepCartTicket } from '../buying/session-memory.ts';

type View = AccountOutcome | { readonly kind: 'loading' };

export function AccountView() {
  const [view, setView] = useState<View>({ kind: 'loading' });
  useEffect(() => {
    readAccount().then((outcome) => {
      if (outcome.kind === 'guest') location.replace('/sign-in');
      else setView(outcome);
    });
  }, []);
  if (view.kind === 'customer') {
    return (
      <Account
        customer={view.customer}
        onChange={(customer) => setView({ kind: 'customer', customer })}
      />
    );
  }
  if (view.kind === 'failed' || view.kind === 'refused') {
    return (
      <Notice tone="bad" title="Your account is out of reach right now">
        <p>
          Nothing is lost. You can browse and buy as a guest meanwhile, or{' '}
          <ReloadButton>try again</ReloadButton>.
        </p>
      </Notice>
    );
  }
  return (
    <div aria-busy="true">
      <p className="visually-hidden" role="status">
        Loading your account
      </p>
      <span className="skeleton skeleton-title" />
      <span className="skeleton skeleton-block" />
    </div>
  );
}

interface AccountProps {
  readonly customer: Customer;
  readonly onChange: (customer: Customer) => void;
}

async function goodbye(end: () => Promise<boolean>): Promise<boolean> {
  const isDone = await end();
  if (!isDone) return false;
  keepCartTicket(null);
  location.assign('/');
  return true;
}

function Account({ customer, onChange }: AccountProps) {
  const [hasFailed, setFailed] = useState(false);
  const leave = async () => setFailed(!(await goodbye(leaveAccount)));
  return (
    <div className="account">
      <header className="account-head">
        <div>
          <h1>Hello, {customer.name}</h1>
          <p className="lead">{customer.email}</p>
        </div>
        <button type="button" className="button button-quiet" onClick={leave}>
          Sign out
        </button>
      </header>
      {hasFailed && (
        <Notice tone="bad" title="That did not reach us">
          <p>Please try again in a moment.</p>
        </Notice>
      )}
      <OwnOrders />
      <ProfileForm customer={customer} onChange={onChange} />
      <EraseAccount onErase={async () => setFailed(!(await goodbye(eraseAccount)))} />
    </div>
  );
}

type OrdersView = { readonly items: readonly Order[]; readonly next: string | null } | null;

function OwnOrders() {
  const [orders, setOrders] = useState<OrdersView>(null);
  const [hasFailed, setFailed] = useState(false);
  const load = async (after: string | null) => {
    const query = after === null ? '' : `?after=${encodeURIComponent(after)}`;
    const answer = await askShop(`/api/customers/me/orders${query}`);
    setFailed(answer.kind !== 'ok');
    if (answer.kind !== 'ok') return;
    const page = answer.body as NonNullable<OrdersView>;
    setOrders((before) => ({ ...page, items: [...(before?.items ?? []), ...page.items] }));
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: the first page, once
  useEffect(() => {
    load(null);
  }, []);
  const date = new Intl.DateTimeFormat('en', { dateStyle: 'medium' });
  const next = orders?.next ?? null;
  return (
    <section className="panel" aria-labelledby="own-orders-title">
      <h2 id="own-orders-title">Orders</h2>
      {hasFailed && (
        <Notice tone="wait" title="Your orders cannot be shown right now">
          <p>They are safe. Please come back in a moment.</p>
        </Notice>
      )}
      {orders === null && !hasFailed && <span className="skeleton skeleton-line" />}
      {orders !== null && orders.items.length === 0 && (
        <p>
          None yet. <a href="/products">The shelves are this way</a>.
        </p>
      )}
      <ul className="order-list">
        {orders?.items.map(({ number, placedAt, total, state }) => (
          <li key={number}>
            <a href={`/orders/${encodeURIComponent(number)}`}>Order {number}</a>
            <span className="badge badge-inline">{state}</span>
            <time dateTime={placedAt}>{date.format(new Date(placedAt))}</time>
            <strong>{moneyText(total)}</strong>
          </li>
        ))}
      </ul>
      {next !== null && (
        <button type="button" className="button button-quiet" onClick={() => load(next)}>
          Older orders
        </button>
      )}
    </section>
  );
}

function ProfileForm({ customer, onChange }: AccountProps) {
  const [said, setSaid] = useState<{ tone: 'good' | 'bad'; title: string } | null>(null);
  const save = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const name = String(new FormData(event.currentTarget).get('name') ?? '').trim();
    const outcome = await renameAccount(name);
    if (outcome.kind === 'customer') {
      onChange(outcome.customer);
      setSaid({ tone: 'good', title: 'Saved' });
    } else {
      const title = outcome.kind === 'refused' ? outcome.text : 'That did not reach us. Try again.';
      setSaid({ tone: 'bad', title });
    }
  };
  return (
    <form className="panel" method="post" onSubmit={save} aria-labelledby="profile-title">
      <h2 id="profile-title">About you</h2>
      {said !== null && <Notice {...said} />}
      <Field
        id="profile-name"
        name="name"
        label="Name"
        defaultValue={customer.name}
        autoComplete="name"
        maxLength={200}
        required
      />
      <button type="submit" className="button button-secondary">
        Save
      </button>
    </form>
  );
}

function EraseAccount({ onErase }: { readonly onErase: () => void }) {
  return (
    <details className="panel danger">
      <summary>Delete my account</summary>
      <p>
        Erases your name, your e-mail address and your addresses for good. Orders stay in our books
        without them.
      </p>
      <button type="button" className="button button-danger" onClick={onErase}>
        Delete it for good
      </button>
    </details>
  );
}
