import { type FormEvent, useState } from 'react';
import { passwordLengthMin } from '../../../src/shop/text-rules.ts';
import { Field } from '../../ui/field.tsx';
import { Notice } from '../../ui/notice.tsx';
import { useIsAlive } from '../../ui/use-is-alive.ts';
import { enterAccount } from '../buying/account.ts';

interface SignInFormProps {
  readonly isNew: boolean;
}

type State =
  | { readonly kind: 'filling' }
  | { readonly kind: 'sending' }
  | { readonly kind: 'refused'; readonly text: string };

/** Sign in, or with `isNew` sign up. Ends at the account page. */
export function SignInForm({ isNew }: SignInFormProps) {
  const isAlive = useIsAlive();
  const [state, setState] = useState<State>({ kind: 'filling' });
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string) => String(form.get(name) ?? '');
    setState({ kind: 'sending' });
    const outcome = await enterAccount({
      email: text('email').trim(),
      password: text('password'),
      ...(isNew ? { name: text('name').trim() } : {}),
    });
    if (outcome.kind === 'customer') return location.assign('/account');
    const silent = 'We cannot reach the accounts right now. Buying as a guest still works.';
    setState({ kind: 'refused', text: outcome.kind === 'refused' ? outcome.text : silent });
  };
  return (
    <form className="panel" method="post" onSubmit={submit}>
      {state.kind === 'refused' && <Notice tone="bad" title={state.text} />}
      {isNew && (
        <Field
          id="account-name"
          name="name"
          label="Name"
          autoComplete="name"
          maxLength={200}
          required
        />
      )}
      <Field
        id="account-email"
        name="email"
        label="E-mail"
        type="email"
        autoComplete="email"
        maxLength={254}
        required
      />
      <Field
        id="account-password"
        name="password"
        label="Password"
        type="password"
        autoComplete={isNew ? 'new-password' : 'current-password'}
        {...(isNew
          ? { minLength: passwordLengthMin, hint: `At least ${passwordLengthMin} characters.` }
          : {})}
        maxLength={200}
        required
      />
      <button
        type="submit"
        className="button button-primary button-large button-wide"
        disabled={!isAlive || state.kind === 'sending'}
        data-waiting={isAlive ? undefined : ''}
      >
        {isNew ? 'Open my account' : 'Sign in'}
      </button>
    </form>
  );
}
