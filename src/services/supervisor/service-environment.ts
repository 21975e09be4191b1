/**
 * The environment of a service: the settings of the user, what every process needs of the system,
 * and of the shop's secrets only those that this role works with. Whoever takes over a storefront
 * finds no key of sessions, databases or payments in it.
 */
import { type DatabaseRole, databaseRoles, type Secrets } from './secrets.ts';

/** Secrets and addresses of the user's environment that belong to one role alone. */
const ownedBy: Readonly<Record<string, string>> = {
  DOORBUSTER_OWNER_PASSWORD: 'customers',
  STRIPE_SECRET_KEY: 'worker',
  STRIPE_SECRET_KEY_FILE: 'worker',
  STRIPE_API_BASE: 'worker',
  STRIPE_WEBHOOK_SECRET: 'orders',
  STRIPE_WEBHOOK_SECRET_FILE: 'orders',
};
/** Who reads or makes sessions, and who makes the tokens of orders, which come of the same key. */
const readsSessionKey = ['gateway', 'customers', 'orders', 'worker'];

const fromSystem = /^(PATH|HOME|TZ|LANG|LC_.*|TMPDIR|DOORBUSTER_.*|STRIPE_.*)$/;

/** `env`: that of the supervisor. */
export function serviceEnvironment(
  role: string,
  secrets: Secrets,
  port: number,
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const inherited = Object.entries(env).filter(
    ([name, value]) => value && fromSystem.test(name) && (ownedBy[name] ?? role) === role,
  );
  return {
    ...(Object.fromEntries(inherited) as Record<string, string>),
    PORT: String(port),
    DOORBUSTER_INTERNAL_TOKEN: secrets.internalToken,
    ...(readsSessionKey.includes(role) ? { DOORBUSTER_SESSION_KEY: secrets.sessionKey } : {}),
    ...databasePassword(role, secrets),
    ...(role === 'customers' ? { DOORBUSTER_OWNER_PASSWORD: secrets.ownerPassword } : {}),
  };
}

/** The worker is the second half of the orders service and works in its database. */
function databasePassword(role: string, { databasePasswords }: Secrets): Record<string, string> {
  const database = role === 'worker' ? 'orders' : role;
  if (!databaseRoles.includes(database as DatabaseRole)) return {};
  return { DOORBUSTER_DATABASE_PASSWORD: databasePasswords[database as DatabaseRole] };
}
