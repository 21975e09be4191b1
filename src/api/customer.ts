import Type, { type Static } from 'typebox';
import type { Endpoint } from './endpoint.ts';
import { Email, GivenEmail, GivenPassword, NewPassword, nameText } from './person.ts';

const Name = nameText('as the customer wants to be called');

export const RoleName = Type.Union([
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

export const SignUpRequest = Type.Object(
  { email: Email, password: NewPassword, name: Name },
  {
    additionalProperties: false,
    examples: [{ email: 'ada@example.com', password: 'analytical engine', name: 'Ada' }],
  },
);
export type SignUpRequest = Static<typeof SignUpRequest>;

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

export const signUp = {
  method: 'POST',
  path: '/api/customers',
  tag: 'customer',
  summary: 'Open an account, and a session with it',
  body: SignUpRequest,
  responses: { 201: Customer },
  access: 'public',
} satisfies Endpoint;

export const signIn = {
  method: 'POST',
  path: '/api/sessions',
  tag: 'customer',
  summary: 'Sign in: answers with the cookie `session`',
  body: SignInRequest,
  responses: { 201: Customer },
  access: 'public',
} satisfies Endpoint;

export const signOut = {
  method: 'DELETE',
  path: '/api/sessions',
  tag: 'customer',
  summary: 'Sign out: the session ends everywhere',
  responses: { 204: null },
  access: 'public',
} satisfies Endpoint;

export const getProfile = {
  method: 'GET',
  path: '/api/customers/me',
  tag: 'customer',
  summary: 'Own data',
  responses: { 200: Customer },
  access: 'customer',
} satisfies Endpoint;

export const changeProfile = {
  method: 'PATCH',
  path: '/api/customers/me',
  tag: 'customer',
  summary: 'Change own data',
  body: ProfileChange,
  responses: { 200: Customer },
  access: 'customer',
} satisfies Endpoint;

export const eraseProfile = {
  method: 'DELETE',
  path: '/api/customers/me',
  tag: 'customer',
  summary: 'Erase own personal data; orders stay, with it blanked',
  responses: { 204: null },
  access: 'customer',
} satisfies Endpoint;

export const customerEndpoints: readonly Endpoint[] = [
  signUp,
  signIn,
  signOut,
  getProfile,
  changeProfile,
  eraseProfile,
];
