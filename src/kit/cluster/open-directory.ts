/** Chooses how services find each other: `DOORBUSTER_DISCOVERY` is `file` (default) or `dns`. */
import path from 'node:path';
import type { Directory } from './directory.ts';
import { askOverHttp, DnsDirectory, resolveBySystem } from './dns-directory.ts';
import { clusterFile, FileDirectory } from './file-directory.ts';
import type { InternalTls } from './internal-tls.ts';

type Env = Readonly<Record<string, string | undefined>>;

/**
 * `DOORBUSTER_CLUSTER_VIEWS` names a folder that holds one cluster file per process, `<id>.json`.
 * With it a drill can put a faulty network between any two processes.
 */
export function openDirectory(home: string, tls: InternalTls | null, env: Env): Directory {
  const wanted = env['DOORBUSTER_DISCOVERY'] || 'file';
  if (wanted !== 'file' && wanted !== 'dns') {
    throw new Error(`DOORBUSTER_DISCOVERY must be file or dns, not "${wanted}".`);
  }
  if (wanted === 'dns') {
    const urls = roleUrls(env);
    return new DnsDirectory({ urls, resolve: resolveBySystem, askReadiness: askOverHttp(tls) });
  }
  const views = env['DOORBUSTER_CLUSTER_VIEWS'];
  if (views === undefined) return new FileDirectory(clusterFile(home));
  return new FileDirectory(path.join(views, `${env['DOORBUSTER_ID']}.json`));
}

/** `<ROLE>_URL=http://name:8080` each. Throws a sentence for one that cannot be read. */
export function roleUrls(env: Env): Map<string, URL> {
  const urls = new Map<string, URL>();
  for (const [name, value] of Object.entries(env)) {
    const role = /^([A-Z]+)_URL$/.exec(name)?.[1]?.toLowerCase();
    if (role === undefined || role === 'database' || value === undefined) continue;
    const url = URL.parse(value);
    if (url === null || !/^https?:$/.test(url.protocol)) {
      throw new Error(`${name} must be an address like http://${role}:8080, not "${value}".`);
    }
    urls.set(role, url);
  }
  return urls;
}
