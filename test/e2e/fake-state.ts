/** What the parts of the made-up shop share. */
import type { IncomingHttpHeaders } from 'node:http';
import { demoProducts, type FakeProduct } from './fake-catalogue.ts';

export interface Answer {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Received {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
}

export class FakeState {
  readonly products: FakeProduct[] = demoProducts();
  readonly carts = new Map<string, Map<string, number>>();
  readonly orders = new Map<string, unknown>();
  customer: { name: string; email: string } | null = null;
  /** What a look at any checkout tells; null knows none. */
  checkoutNow: unknown = null;

  product(handle: string): FakeProduct {
    const found = this.products.find((each) => each.handle === handle);
    if (found === undefined) throw new Error(`the demo has no product ${handle}`);
    return found;
  }
}
