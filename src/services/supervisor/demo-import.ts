/** Stocks a new shop with the demo toys, once; does it again after a start that was cut off. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fetch } from 'undici';
import type { ServiceInstance } from '../../kit/cluster/directory.ts';
import { encodePrincipal, principalHeader } from '../../kit/http/principal.ts';

const catalogueFile = path.resolve(import.meta.dirname, '../../../demo/products.csv');

export class DemoCatalogue {
  readonly #marker: string;

  constructor(home: string) {
    this.#marker = path.join(home, 'run', 'demo-import-due');
  }

  order(): void {
    writeFileSync(this.#marker, '');
  }

  get isDue(): boolean {
    return existsSync(this.#marker);
  }

  /** Returns the number of products. Throws where the catalog refuses any row. */
  async import(catalog: ServiceInstance, internalToken: string): Promise<number> {
    const owner = encodePrincipal({ customerId: '0', email: 'owner@localhost', role: 'owner' });
    const answer = await fetch(`${catalog.url}/api/admin/products/import`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${internalToken}`,
        [principalHeader]: owner,
        'content-type': 'text/csv',
      },
      body: readFileSync(catalogueFile),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`the demo catalogue was refused: ${text.slice(0, 500)}`);
    const { created, updated, errors } = JSON.parse(text);
    if (errors.length > 0) throw new Error(`demo/products.csv: ${JSON.stringify(errors[0])}`);
    rmSync(this.#marker, { force: true });
    return created + updated;
  }
}
