/** A fault: what is done to a running shop, and how it is undone. */
import type { DrilledShop } from '../drill/drilled-shop.ts';

export interface Fault {
  /** In kebab-case, as the command line names it. */
  readonly name: string;
  readonly sentence: string;
  /** Time between inflicting and healing it, ms. */
  readonly lastsMs: number;
  /** It happens on cables, so the shop must be started with them. */
  readonly needsNetwork?: boolean;
  /** Settings that the shop must be started with. */
  readonly env?: Readonly<Record<string, string>>;
  /** Resolves when it is done, with the way to undo it (nothing, where the shop must do so). */
  inflict(shop: DrilledShop): Promise<Heal>;
}

export type Heal = () => Promise<void>;

export const shopHealsItself: Heal = async () => {};
