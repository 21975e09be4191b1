import type { TObject, TSchema } from 'typebox';

/**
 * One HTTP operation between our own services: path and schemas are written once, used by the
 * service that answers, by whoever asks (`InternalClient.call`) and by tests.
 */
export interface InternalRoute<Answer = unknown> {
  readonly role: 'catalog' | 'customers' | 'orders';
  readonly method: 'GET' | 'POST';
  /** Path parameters are written as `{name}`. */
  readonly path: `/internal/${string}`;
  readonly params?: TObject;
  readonly query?: TObject;
  readonly body?: TSchema;
  /** Never set: it carries the type of the answer. */
  readonly answer?: Answer;
}

/** `internalRoute<Answer>()({...})`: the answer's type is named, all others are inferred. */
export function internalRoute<Answer>() {
  return <const Given extends InternalRoute>(route: Given) =>
    route as Given & { readonly answer?: Answer };
}
