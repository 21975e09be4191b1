/** The published contract, OpenAPI 3.1, made from the very schemas that validate requests. */
import type { TObject, TSchema } from 'typebox';
import { adminCustomerEndpoints } from './admin-customer.ts';
import { adminProductEndpoints } from './admin-product.ts';
import { cartEndpoints } from './cart.ts';
import { controlEndpoints } from './control.ts';
import { customerEndpoints } from './customer.ts';
import { type Endpoint, ProblemDocument } from './endpoint.ts';
import { orderEndpoints } from './order.ts';
import { productEndpoints } from './product.ts';
import { paymentEndpoints } from './stripe-webhook-endpoint.ts';

/** Grows by the rules of semantic versioning, apart from the shop's own version. */
export const contractVersion = '1.0.0';

export const endpoints: readonly Endpoint[] = [
  ...productEndpoints,
  ...cartEndpoints,
  ...orderEndpoints,
  ...paymentEndpoints,
  ...customerEndpoints,
  ...adminProductEndpoints,
  ...adminCustomerEndpoints,
  ...controlEndpoints,
];

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
type JsonObject = Record<string, Json>;

/** Schemas with an `$id` stand once under `components`, and are referred to from everywhere. */
class Components {
  readonly schemas: JsonObject = {};

  /** A schema as the document shows it. */
  show(schema: TSchema): Json {
    return this.#show(schema as unknown);
  }

  #show(value: unknown): Json {
    if (Array.isArray(value)) return value.map((each) => this.#show(each));
    if (typeof value !== 'object' || value === null) return value as Json;
    const { $id: id, ...rest } = value as Record<string, unknown>;
    if (typeof id !== 'string') return this.#fields(rest);
    if (!(id in this.schemas)) {
      this.schemas[id] = {}; // a schema that refers to itself ends here
      this.schemas[id] = this.#fields(rest);
    }
    return { $ref: `#/components/schemas/${id}` };
  }

  #fields(fields: Readonly<Record<string, unknown>>): JsonObject {
    const shown: JsonObject = {};
    for (const [name, value] of Object.entries(fields)) {
      if (name.startsWith('~') || value === undefined) continue; // TypeBox's own marks
      shown[name] = this.#show(value);
    }
    return shown;
  }
}

function parameters(components: Components, place: string, object: TObject | undefined): Json[] {
  if (object === undefined) return [];
  const required: readonly string[] = object.required ?? [];
  return Object.entries(object.properties).map(([name, schema]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    schema: components.show(schema),
  }));
}

function content(components: Components, type: string, schema: TSchema): Json {
  return { [type]: { schema: components.show(schema) } };
}

const statusWords: Readonly<Record<number, string>> = {
  200: 'OK',
  201: 'Created',
  202: 'Accepted',
  204: 'Done, nothing to show',
  304: 'Not modified',
  402: 'Payment declined',
  409: 'Conflict',
};

function responses(components: Components, endpoint: Endpoint): Json {
  const shown: JsonObject = {};
  for (const [status, schema] of Object.entries(endpoint.responses)) {
    const type = endpoint.responseType ?? 'application/json';
    const problem = Number(status) >= 400 ? 'application/problem+json' : type;
    shown[status] = {
      description: statusWords[Number(status)] ?? 'Answer',
      ...(schema === null ? {} : { content: content(components, problem, schema) }),
    };
  }
  shown['default'] = {
    description: 'A problem that says what to do about it',
    content: content(components, 'application/problem+json', ProblemDocument),
  };
  return shown;
}

/** `getApiProductsHandle`: stable as long as the address is. */
function operationId({ method, path }: Endpoint): string {
  const words = path.split(/[^a-zA-Z0-9]+/).filter(Boolean);
  const camel = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
  return method.toLowerCase() + camel;
}

function operation(components: Components, endpoint: Endpoint): Json {
  const { tag, summary, params, query, headers, body, access } = endpoint;
  const bodyType = endpoint.bodyType ?? 'application/json';
  return {
    operationId: operationId(endpoint),
    tags: [tag],
    summary,
    parameters: [
      ...parameters(components, 'path', params),
      ...parameters(components, 'query', query),
      ...parameters(components, 'header', headers),
    ],
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: endpoint.bodyOptional !== true,
            content: content(components, bodyType, body),
          },
        }),
    responses: responses(components, endpoint),
    ...(access === 'public' ? {} : { security: [{ session: [] }], 'x-role': access }),
  };
}

const tagWords: Readonly<Record<Endpoint['tag'], string>> = {
  shop: 'Products, carts and buying',
  customer: 'Accounts and sessions',
  admin: 'For staff: catalog, orders, customers',
  control: 'For the owner: the running cluster',
};

export function openApiDocument(of: readonly Endpoint[], version: string): JsonObject {
  const components = new Components();
  const paths: Record<string, JsonObject> = {};
  for (const endpoint of of) {
    const path = paths[endpoint.path] ?? {};
    path[endpoint.method.toLowerCase()] = operation(components, endpoint);
    paths[endpoint.path] = path;
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Doorbuster',
      version,
      description:
        'An online shop. Money is in minor units, times are RFC 3339 in UTC, ids are opaque, ' +
        'errors are RFC 9457 problem documents.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: Object.entries(tagWords).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      schemas: components.schemas,
      securitySchemes: { session: { type: 'apiKey', in: 'cookie', name: 'session' } },
    },
  };
}
