import { needsPostalCode } from '../../../src/shop/postal-code.ts';
import { Field } from '../../ui/field.tsx';
import { countries, type DraftErrors, testPayments } from '../buying/checkout-form.ts';
import type { CheckoutDraft } from '../buying/session-memory.ts';

interface CheckoutFieldsProps {
  readonly draft: CheckoutDraft;
  readonly errors: DraftErrors;
  readonly isLocked: boolean;
  readonly onChange: (field: keyof CheckoutDraft, value: string) => void;
}

export function CheckoutFields({ draft, errors, isLocked, onChange }: CheckoutFieldsProps) {
  const bound = (field: keyof CheckoutDraft) => ({
    id: `checkout-${field}`,
    name: field,
    value: draft[field],
    error: errors[field],
    maxLength: 200,
    onChange: (event: { currentTarget: HTMLInputElement }) =>
      onChange(field, event.currentTarget.value),
  });
  return (
    <fieldset className="checkout-fields" disabled={isLocked}>
      <legend className="visually-hidden">Your details</legend>
      <section className="panel" aria-labelledby="contact-title">
        <h2 id="contact-title">Contact</h2>
        <Field
          {...bound('email')}
          label="E-mail"
          type="email"
          autoComplete="email"
          hint="For the receipt. No account needed."
          required
        />
      </section>
      <section className="panel" aria-labelledby="delivery-title">
        <h2 id="delivery-title">Delivery</h2>
        <Field {...bound('name')} label="Full name" autoComplete="name" required />
        <Field {...bound('line1')} label="Street and house" autoComplete="address-line1" required />
        <Field {...bound('line2')} label="Flat, floor, company" autoComplete="address-line2" />
        <div className="field-row">
          <Field
            {...bound('postalCode')}
            label="Postal code"
            autoComplete="postal-code"
            maxLength={20}
            required={needsPostalCode(draft.country)}
          />
          <Field {...bound('city')} label="Town" autoComplete="address-level2" required />
        </div>
        <div className="field-row">
          <Field {...bound('region')} label="State or region" autoComplete="address-level1" />
          <div className="field">
            <label htmlFor="checkout-country">Country</label>
            <select
              id="checkout-country"
              name="country"
              autoComplete="country"
              value={draft.country}
              onChange={(event) => onChange('country', event.currentTarget.value)}
            >
              {countries.map(([code, name]) => (
                <option key={code} value={code}>
                  {name}
                </option>
              ))}
            </select>
          </div>
        </div>
      </section>
      <PaymentChoice token={draft.token} onChoose={(token) => onChange('token', token)} />
    </fieldset>
  );
}

interface PaymentChoiceProps {
  readonly token: string;
  readonly onChoose: (token: string) => void;
}

function PaymentChoice({ token: chosen, onChoose }: PaymentChoiceProps) {
  return (
    <section className="panel" aria-labelledby="payment-title">
      <h2 id="payment-title">Payment</h2>
      <p className="field-hint">This shop takes test payments only: no real card, no real money.</p>
      <fieldset className="payment-choice">
        <legend className="visually-hidden">How to pay</legend>
        {testPayments.map(([token, name, note]) => (
          <label key={token} className="payment">
            <input
              type="radio"
              name="token"
              value={token}
              checked={token === chosen}
              onChange={() => onChoose(token)}
            />
            <span className="payment-name">{name}</span>
            <span className="payment-note">{note}</span>
          </label>
        ))}
      </fieldset>
    </section>
  );
}
