/** A client of a running shop, as a program would use it: the public HTTP contract only. */
export interface ShopAnswer<T = Record<string, unknown>> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
}

export interface CallOptions {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export const address = {
  name: 'Ada Lovelace',
  line1: '12 St James Square',
  city: 'London',
  postalCode: 'SW1Y 4JH',
  country: 'GB',
};

export class ShopClient {
  readonly #url: string;
  #cookie: string | null = null;

  constructor(url: string) {
    this.#url = url;
  }

  get cookie(): string | null {
    return this.#cookie;
  }

  async call<T = Record<string, unknown>>(
    path: string,
    { method, body, headers = {} }: CallOptions = {},
  ): Promise<ShopAnswer<T>> {
    const isText = typeof body === 'string';
    const answer = await fetch(this.#url + path, {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers: {
        ...(body === undefined || isText ? {} : { 'content-type': 'application/json' }),
        ...(this.#cookie === null ? {} : { cookie: this.#cookie }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: isText ? body : JSON.stringify(body) }),
    });
    const cookie = answer.headers.get('set-cookie');
    if (cookie !== null) this.#cookie = cookie.split(';')[0] ?? null;
    const text = await answer.text();
    const isJson = /json/.test(answer.headers.get('content-type') ?? '');
    return {
      status: answer.status,
      headers: answer.headers,
      body: (isJson && text !== '' ? JSON.parse(text) : text) as T,
    };
  }

  /** Signs in; every later call carries the session. */
  async signIn(email: string, password: string): Promise<void> {
    const { status } = await this.call('/api/sessions', { body: { email, password } });
    if (status >= 300) throw new Error(`could not sign in as ${email}: ${status}`);
  }

  buy(
    key: string,
    lines: readonly { sku: string; quantity: number }[],
    { token = 'tok_ok', waitSeconds = 20, email = 'ada@example.com' } = {},
  ): Promise<ShopAnswer> {
    return this.call('/api/orders', {
      body: { lines, email, shippingAddress: address, payment: { method: 'test', token } },
      headers: { 'idempotency-key': key, prefer: `wait=${waitSeconds}` },
    });
  }

  /** Products from a Shopify CSV text; needs the owner's session. */
  importCsv(csv: string): Promise<ShopAnswer<{ created: number; errors: unknown[] }>> {
    return this.call('/api/admin/products/import', {
      body: csv,
      headers: { 'content-type': 'text/csv' },
    });
  }
}
