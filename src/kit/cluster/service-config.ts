/** What a service reads from its environment when it starts. */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import path from 'node:path';
import { readSecret } from '../secret.ts';
import { type InternalTls, readInternalTls } from './internal-tls.ts';

const drainSecondsDefault = 10;
const closeMsMaxDefault = 3_000;

/** Set by what starts the service: the local supervisor, compose or Kubernetes. */
export interface ServiceConfig {
  readonly role: string;
  /** Unique among running instances: `catalog-1`, or by host and chance: `catalog-pod-7-3f9a2c`. */
  readonly id: string;
  readonly home: string;
  readonly host: string;
  /** 0 lets the system choose a free port. */
  readonly port: number;
  readonly internalToken: string;
  readonly databasePassword: string;
  /** Connection string of the database's writer; null: the directory publishes the leader. */
  readonly databaseUrl: string | null;
  /** The most connections to the database; null: as many as the role thinks right. */
  readonly databaseConnectionsMax: number | null;
  /** HS256 key of session tokens, root of order tokens. Reading it throws where it is not set. */
  readonly sessionKey: Uint8Array;
  /** How long the service serves on after SIGTERM, until nobody sends it requests any more. */
  readonly drainMs: number;
  /** How long open requests have when the service closes. */
  readonly closeMsMax: number;
  /** Null where connections inside the shop are plain. */
  readonly tls: InternalTls | null;
}

type Env = Readonly<Record<string, string | undefined>>;

/** Throws an error that names the variable that is missing or wrong. */
export function readServiceConfig(role: string, env: Env = process.env): ServiceConfig {
  const required = (name: string): string => {
    const value = env[name];
    if (value === undefined || value === '') {
      throw new Error(
        `${name} is not set: a ${role} service needs it ("npm start" sets it itself)`,
      );
    }
    return value;
  };
  const drainMs = drainMsOf(env);
  let sessionKey: Uint8Array | undefined;
  const home = path.resolve(env['DOORBUSTER_HOME'] ?? '.doorbuster');
  return {
    role,
    home,
    id: env['DOORBUSTER_ID'] ?? `${role}-${hostname()}-${randomBytes(3).toString('hex')}`,
    host: env['DOORBUSTER_HOST'] ?? '127.0.0.1',
    port: wholeNumber('DOORBUSTER_SERVICE_PORT', env) ?? 0,
    internalToken: required('DOORBUSTER_INTERNAL_TOKEN'),
    databasePassword: env['DOORBUSTER_DATABASE_PASSWORD'] ?? '',
    databaseUrl: readSecret('DATABASE_URL', env),
    databaseConnectionsMax: wholeNumber('DOORBUSTER_DATABASE_CONNECTIONS', env),
    get sessionKey() {
      sessionKey ??= Buffer.from(required('DOORBUSTER_SESSION_KEY'), 'hex');
      return sessionKey;
    },
    drainMs,
    closeMsMax: Math.max(closeMsMaxDefault, drainMs),
    tls: readInternalTls(home, env),
  };
}

function wholeNumber(name: string, env: Env): number | null {
  const value = env[name];
  if (value === undefined || value === '') return null;
  if (!/^\d{1,5}$/.test(value)) throw new Error(`${name} must be a whole number, not "${value}".`);
  return Number(value);
}

/** A supervisor takes a service out of the directory before it sends the signal. */
function drainMsOf(env: Env): number {
  if (env['DOORBUSTER_DISCOVERY'] !== 'dns') return 0;
  return (wholeNumber('DOORBUSTER_DRAIN_SECONDS', env) ?? drainSecondsDefault) * 1_000;
}
