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

/** Throws an error that names the missing variable. */
export function readServiceConfig(
  role: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): ServiceConfig {
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
    port: Number(env['DOORBUSTER_SERVICE_PORT'] ?? 0),
    internalToken: required('DOORBUSTER_INTERNAL_TOKEN'),
    databasePassword: env['DOORBUSTER_DATABASE_PASSWORD'] ?? '',
    databaseUrl: readSecret('DATABASE_URL', env),
    databaseConnectionsMax: Number(env['DOORBUSTER_DATABASE_CONNECTIONS']) || null,
    get sessionKey() {
      sessionKey ??= Buffer.from(required('DOORBUSTER_SESSION_KEY'), 'hex');
      return sessionKey;
    },
    drainMs,
    closeMsMax: Math.max(closeMsMaxDefault, drainMs),
    tls: readInternalTls(home, env),
  };
}

/** A supervisor takes a service out of the directory before it sends the signal. */
function drainMsOf(env: Readonly<Record<string, string | undefined>>): number {
  if (env['DOORBUSTER_DISCOVERY'] !== 'dns') return 0;
  return Number(env['DOORBUSTER_DRAIN_SECONDS'] || drainSecondsDefault) * 1_000;
}
