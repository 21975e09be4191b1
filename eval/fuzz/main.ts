/**
 * `npm run fuzz -- --port 8080 --requests 10000 --seed 1`: against a running shop, started with
 * `DOORBUSTER_RATE_LIMIT=off`. With `--password` also as the owner. One request in five is broken
 * off or too large. Prints what was answered 5xx, and whole requests whose connection was of no use
 * afterwards.
 */
import { parseArgs } from 'node:util';
import { endpoints } from '../../src/api/openapi.ts';
import { sendMalformed } from './send-malformed.ts';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '8080' },
    requests: { type: 'string', default: '10000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    password: { type: 'string' },
  },
});

async function ownerCookie(port: number, password: string): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${port}/api/sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: 'owner@localhost', password }),
  });
  const cookie = answer.headers.getSetCookie().find((each) => each.startsWith('session='));
  if (cookie === undefined) throw new Error(`the owner cannot sign in: ${answer.status}`);
  return cookie.split(';', 1)[0] ?? '';
}

const port = Number(values.port);
const seed = Number(values.seed);
console.log(`seed ${seed}`);
const cookie = values.password === undefined ? undefined : await ownerCookie(port, values.password);
const result = await sendMalformed({
  port,
  // Signing out would end the session that opens the doors; a fault breaks what works.
  endpoints: endpoints.filter(
    ({ method, path }) =>
      !['DELETE /api/sessions', 'POST /api/control/faults'].includes(`${method} ${path}`),
  ),
  requests: Number(values.requests),
  seed,
  ...(cookie === undefined ? {} : { cookie }),
});
console.log(result.statuses, `slowest ${result.slowestMs.toFixed(0)} ms`);
for (const { name, answer } of result.failures.slice(0, 50)) {
  console.log(`${name}\n  ${answer.replaceAll('\r\n', ' | ').slice(0, 600)}`);
}
process.exitCode = result.failures.length === 0 ? 0 : 1;
