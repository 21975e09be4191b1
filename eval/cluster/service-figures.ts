/** What a service of a running shop says of itself. */
import type { RunningShop } from './running-shop.ts';

/** Address of one instance of the role. Throws where none runs. */
export function serviceUrl(shop: RunningShop, role: string): string {
  const found = shop.cluster().services.find((service) => service.role === role);
  if (found === undefined) throw new Error(`no ${role} runs`);
  return found.url;
}

/** One of its Prometheus figures, by its name without `doorbuster_`; NaN where it has none. */
export async function figureOf(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(new RegExp(`^doorbuster_${name}\\{[^}]*\\} (\\S+)$`, 'm').exec(text)?.[1]);
}
