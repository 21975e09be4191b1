import { request } from 'undici';
import type { ClusterReport } from '../../api/control.ts';
import type { ServiceInstance } from '../../kit/cluster/directory.ts';

const deadlineMs = 800;

/** The queue's figures from any orders instance that is ready; null where none answers. */
export async function askQueue(
  instances: readonly ServiceInstance[],
  internalToken: string,
): Promise<ClusterReport['queue'] | null> {
  const instance = instances.find(({ state }) => state === 'ready');
  if (instance === undefined) return null;
  try {
    const answer = await request(`${instance.url}/internal/queue`, {
      headers: { authorization: `Bearer ${internalToken}` },
      signal: AbortSignal.timeout(deadlineMs),
    });
    if (answer.statusCode !== 200) {
      await answer.body.dump();
      return null;
    }
    const figures = (await answer.body.json()) as ClusterReport['queue'];
    const { depth, oldestAgeSeconds, arrivalsPerSecond, servicePerSecond } = figures;
    return { depth, oldestAgeSeconds, arrivalsPerSecond, servicePerSecond };
  } catch {
    return null;
  }
}
