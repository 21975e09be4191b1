/** Accounts and sessions in the public contract. */
import Type, { type Static } from 'typebox';
import type { Endpoint } from './endpoint.ts';
import { Email, GivenEmail, GivenPassword, NewPassword, nameText } from './person.ts';

const Name = nameText('as the customer wants to be called');

const RoleName = Type.Union([
  Type.Literal('customer'),
  Type.Literal('staff'),
  Type.Literal('owner'),
]);

export const Customer = Type.Object(
  {
    id: Type.String(),
    email: Type.String(),
    name: Type.String(),
    role: RoleName,
    createdAt: Type.String({ format: 'date-time' }),
  },
  { $id: 'Customer' },
);
export type Customer = Static<typeof Customer>;

const SignUpRequest = Type.Object(
  { email: Email, password: NewPassword, name: Name },
  {
    additionalProperties: false,
    examples: [{ email: 'ada@example.com', password: 'analytical engine', name: 'Ada' }],
  },
);

export const SignInRequest = Type.Object(
  { email: GivenEmail, password: GivenPassword },
  {
    additionalProperties: false,
    examples: [{ email: 'ada@example.com', password: 'analytical engine' }],
  },
);
export type SignInRequest = Static<typeof SignInRequest>;

export const ProfileChange = Type.Object(
  {
    name: Type.Optional(Name),
    email: Type.Optional(Email),
    password: Type.Optional(NewPassword),
    currentPassword: Type.Optional(GivenPassword),
  },
  {
    additionalProperties: false,
    minProperties: 1,
    description: 'a change of `email` or `password` needs `currentPassword`',
    examples: [{ name: 'Ada Lovelace' }],
  },
);
export type ProfileChange = Static<typeof ProfileChange>;

const visitor = { tag: 'customer', access: 'public' } as const;

export const signUp = {
  ...visitor,
  method: 'POST',
  path: '/api/customers',
  summary: 'Open an account, and a session with it',
  body: SignUpRequest,
  responses: { 201: Customer },
} satisfies Endpoint;

export const signIn = {
  ...visitor,
  method: 'POST',
  path: '/api/sessions',
  summary: 'Sign in: answers with the cookie `session`',
  body: SignInRequest,
  responses: { 201: Customer },
} satisfies Endpoint;

export const signOut = {
  ...visitor,
  method: 'DELETE',
  path: '/api/sessions',
  summary: 'Sign out: the session ends everywhere',
  responses: { 204: null },
} satisfies Endpoint;

const customer = { tag: 'customer', access: 'customer' } as const;

export const getProfile = {
  ...customer,
  method: 'GET',
  path: '/api/customers/me',
  summary: 'Own data',
  responses: { 200: Customer },
} satisfies Endpoint;

export const changeProfile = {
  ...customer,
  method: 'PATCH',
  path: '/api/customers/me',
  summary: 'Change own data',
  body: ProfileChange,
  responses: { 200: Customer },
} satisfies Endpoint;

export const eraseProfile = {
  ...customer,
  method: 'DELETE',
  path: '/api/customers/me',
  summary: 'Erase own personal data; orders stay, with it blanked',
  responses: { 204: null },
} satisfies Endpoint;

export const customerEndpoints: readonly Endpoint[] = [
  signUp,
  signIn,
  signOut,
  getProfile,
  changeProfile,
  eraseProfile,
];
