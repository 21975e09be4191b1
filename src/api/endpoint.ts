import Type, { type Static, type TObject, type TSchema } from 'typebox';

/**
 * One public HTTP operation. The same schemas validate requests in the service that answers, build
 * the OpenAPI document, and type the web pages: a contract that is written once cannot drift.
 */
export interface Endpoint {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** OpenAPI form: `/api/products/{handle}`. */
  readonly path: string;
  readonly tag: 'shop' | 'customer' | 'admin' | 'control';
  readonly summary: string;
  readonly params?: TObject;
  readonly query?: TObject;
  readonly headers?: TObject;
  readonly body?: TSchema;
  readonly bodyOptional?: true;
  /** Media type of the request body when it is not JSON. */
  readonly bodyType?: string;
  /** Schema by status; `null` for an empty body. Problems need not be listed: 4xx/5xx share one. */
  readonly responses: Readonly<Record<number, TSchema | null>>;
  readonly responseType?: string;
  readonly access: 'public' | 'customer' | 'staff' | 'owner';
}

export const ProblemDocument = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.Optional(Type.String()),
    errors: Type.Optional(Type.Array(Type.Object({ path: Type.String(), message: Type.String() }))),
  },
  { $id: 'Problem', additionalProperties: true },
);
export type ProblemDocument = Static<typeof ProblemDocument>;

/** Query of every list: `?limit=&after=`. */
export const PageQuery = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 24 })),
  after: Type.Optional(Type.String({ maxLength: 512 })),
};

export function pageOf<Item extends TSchema>(item: Item) {
  return Type.Object({
    items: Type.Array(item),
    next: Type.Union([Type.String(), Type.Null()]),
  });
}
