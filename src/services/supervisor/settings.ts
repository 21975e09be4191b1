/**
 * The settings that users of the shop may make, all through the environment: README.md has a line
 * for each. A value that cannot be meant stops the start with a sentence; a name that nobody knows
 * is said, because it is most often a misspelling.
 *
 * What the supervisor sets for its services (`service-environment.ts`) is no setting of a user.
 */
import { readOwnHosts } from '../../kit/http/own-hosts.ts';
import { readTrustedProxies } from '../../kit/http/trusted-proxies.ts';
import { readRetention } from './backup/schedule.ts';

type Check = (value: string) => string | null;

const text: Check = () => null;

function oneOf(...values: string[]): Check {
  return (value) => (values.includes(value) ? null : `must be ${values.join(' or ')}`);
}

function number(least: number, most: number): Check {
  return (value) => {
    const isWithin = Number(value) >= least && Number(value) <= most;
    return isWithin ? null : `must be a number from ${least} to ${most}`;
  };
}

function whole(least: number, most: number): Check {
  return (value) => {
    const isWhole = Number.isInteger(Number(value)) && number(least, most)(value) === null;
    return isWhole ? null : `must be a whole number from ${least} to ${most}`;
  };
}

/** Its reader throws what it must be. */
function readBy(read: (value: string) => unknown): Check {
  return (value) => {
    try {
      read(value);
      return null;
    } catch (error) {
      return (error as Error).message;
    }
  };
}

const onOrOff = oneOf('on', 'off');
const port = whole(1, 65_535);
const servers = whole(0, 1_000);

export const settings: Readonly<Record<string, Check>> = {
  PORT: port,
  DOORBUSTER_HOME: text,
  DOORBUSTER_OWNER_PASSWORD: text,
  DOORBUSTER_LOG_LEVEL: oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
  DOORBUSTER_FAULTS: onOrOff,
  DOORBUSTER_TLS: onOrOff,
  DOORBUSTER_TLS_CERT: text,
  DOORBUSTER_TLS_KEY: text,
  DOORBUSTER_INTERNAL_TLS: text,
  DOORBUSTER_REDIRECT_PORT: port,
  DOORBUSTER_TRUSTED_PROXIES: readBy(readTrustedProxies),
  DOORBUSTER_HOSTS: readBy(readOwnHosts),
  DOORBUSTER_KEEP_ALIVE_SECONDS: whole(1, 3_600),
  DOORBUSTER_RATE_LIMIT: onOrOff,
  DOORBUSTER_WAITING_ROOM_RATE: number(0, 1e6),
  DOORBUSTER_QUEUE_SECONDS_MAX: number(0, 1e6),
  DOORBUSTER_SCALING: onOrOff,
  DOORBUSTER_SCALE_DOWN_SECONDS: number(1, 86_400),
  DOORBUSTER_WORKERS_MAX: whole(1, 1_000),
  DOORBUSTER_GATEWAYS: servers,
  DOORBUSTER_STOREFRONTS: servers,
  DOORBUSTER_CATALOGS: servers,
  DOORBUSTER_CUSTOMERS: servers,
  DOORBUSTER_ORDERS: servers,
  DOORBUSTER_WORKERS: servers,
  DOORBUSTER_PAYMENTS_IN_FLIGHT: whole(1, 100_000),
  DOORBUSTER_TEST_PAYMENTS: onOrOff,
  DOORBUSTER_PAYMENT_LATENCY_MS: number(0, 3_600_000),
  DOORBUSTER_PAYMENT_FAILURE_RATE: number(0, 1),
  STRIPE_SECRET_KEY: text,
  STRIPE_SECRET_KEY_FILE: text,
  STRIPE_WEBHOOK_SECRET: text,
  STRIPE_WEBHOOK_SECRET_FILE: text,
  STRIPE_API_BASE: text,
  DOORBUSTER_BACKUP_FOLDER: text,
  DOORBUSTER_BACKUP_HOURS: number(0.01, 1e4),
  DOORBUSTER_BACKUPS_KEPT: readBy(readRetention),
  DOORBUSTER_BACKUP_SECOND_FOLDER: text,
  DOORBUSTER_LOG_ARCHIVE: onOrOff,
};

/** For drills and tests of the shop itself: no user needs it (see ARCHITECTURE.md). */
const notForUsers = ['DOORBUSTER_CLUSTER_VIEWS'];

type Env = Readonly<Record<string, string | undefined>>;

/** Throws a sentence for the first value that cannot be meant. An empty one counts as not set. */
export function checkSettings(env: Env): void {
  for (const [name, check] of Object.entries(settings)) {
    const value = env[name];
    const wrong = value === undefined || value === '' ? null : check(value);
    if (wrong !== null) throw new Error(`${name} ${wrong}, not "${value}".`);
  }
}

/** Names that look like ours and are none, as sentences. */
export function unknownSettings(env: Env): string[] {
  const isKnown = (name: string) => name in settings || notForUsers.includes(name);
  return Object.keys(env)
    .filter((name) => name.startsWith('DOORBUSTER_') && !isKnown(name))
    .map((name) => `${name} is no setting of this shop and changes nothing: README.md names them`);
}

/** How many servers of a role the user wants from the start, by `DOORBUSTER_<ROLE>S`. */
export function serversWanted(role: string, env: Env): number {
  const plural = role.endsWith('s') ? role : `${role}s`;
  return Number(env[`DOORBUSTER_${plural.toUpperCase()}`] || 1);
}
