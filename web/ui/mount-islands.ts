import type { ComponentType } from 'react';

/** How to load each island's component; a page loads only those that it shows. */
export type IslandTable = Readonly<
  // biome-ignore lint/suspicious/noExplicitAny: each island has its own properties
  Record<string, () => Promise<ComponentType<any>>>
>;

/** Brings the islands of the current page alive, React with them, if there are any. */
export async function mountIslands(table: IslandTable): Promise<void> {
  const hosts = [...document.querySelectorAll<HTMLElement>('[data-island]')];
  if (hosts.length === 0) return;
  const [{ createElement }, { hydrateRoot }] = await Promise.all([
    import('react'),
    import('react-dom/client'),
  ]);
  await Promise.all(
    hosts.map(async (host) => {
      const load = table[host.dataset['island'] ?? ''];
      const [data, root] = host.children;
      if (load === undefined || data === undefined || root === undefined) return;
      const component = await load();
      hydrateRoot(root, createElement(component, JSON.parse(data.textContent ?? '{}')));
      host.dataset['alive'] = '';
    }),
  );
}
