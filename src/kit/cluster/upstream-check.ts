import type { Directory } from './directory.ts';

/**
 * Returns a readiness check of a service that passes requests on. It is ready once each role was
 * found, and stays ready while any of them is left: the loss of one role must not take all its
 * doors away.
 */
export function upstreamCheck(directory: Directory, roles: readonly string[]): () => string[] {
  const unseen = new Set(roles);
  const isThere = (role: string): boolean => directory.instances(role).length > 0;
  return () => {
    for (const role of unseen) if (isThere(role)) unseen.delete(role);
    if (unseen.size > 0) return [...unseen].map((role) => `no ${role} service was found yet`);
    return roles.some(isThere) ? [] : [`no service is left: ${roles.join(', ')}`];
  };
}
