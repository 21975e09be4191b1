/**
 * Loaded into a service before anything else (`--import`): SRV names come from the file that
 * FAKE_DNS_FILE names, read at each question, so that a test can change them at any time.
 */

import { default as dns } from 'node:dns/promises';
import { readFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

dns.resolveSrv = async (name) => {
  const ports: Record<string, number[]> = JSON.parse(
    readFileSync(process.env['FAKE_DNS_FILE'] ?? '', 'utf8'),
  );
  const found = ports[name] ?? [];
  if (found.length === 0) throw new Error(`queryA ENOTFOUND ${name}`);
  return found.map((port) => ({ name: '127.0.0.1', port, priority: 0, weight: 0 }));
};
syncBuiltinESMExports();
