/**
 * What each node is configured with. Everything lies outside the data directory, so that a copy of
 * one node's data is another node's data without a change.
 */
import os from 'node:os';
import type { NodeId } from '../../../replication/leadership.ts';

/** Absolute paths of PEM files that the node's account can read, and nobody else. */
export interface TlsFiles {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export interface NodeSettings {
  readonly id: NodeId;
  readonly port: number;
  readonly hbaFile: string;
  /** What `connectionInfo` says of the node to follow; '' receives from nobody. */
  readonly source: string;
  /** Null: connections are plain. */
  readonly tls: TlsFiles | null;
  /** Followers whose confirmation counts if this node leads. */
  readonly quorum: readonly NodeId[];
  /** Override what is below. */
  readonly overrides: Readonly<Record<string, string>>;
}

const megabyte = 1024 * 1024;
/** A name that no follower has: commits wait until there is someone to confirm them. */
const nobodyYet = 'nobody-yet';

/**
 * 1/128 of the memory, 32 to 48 MB: three nodes and seven services share the machine, and the
 * kernel caches files too. No more, because a page by which a table grows waits here before it is
 * written for good, and lies dirty in the kernel for as long. The kernel writes what has been dirty
 * for 30 s in one go, and lets few commits through meanwhile: 240 ms with 128 MB (decision 16).
 */
function sharedBuffersMb(): number {
  return Math.max(32, Math.min(48, Math.floor(os.totalmem() / megabyte / 128)));
}

/** Never empty: an empty list would let a leader acknowledge alone. */
export function quorumSetting(quorum: readonly NodeId[]): string {
  const names = quorum.length === 0 ? [nobodyYet] : [...quorum].sort();
  return `ANY 1 (${names.map((name) => `"${name}"`).join(', ')})`;
}

export function quorumOf(setting: string): NodeId[] {
  return [...setting.matchAll(/"([^"]+)"/g)]
    .map((match) => match[1] as string)
    .filter((name) => name !== nobodyYet);
}

export function connectionInfo(
  id: NodeId,
  sourcePort: number | null,
  tls: TlsFiles | null,
): string {
  if (sourcePort === null) return '';
  const target = `host=127.0.0.1 port=${sourcePort} user=replicator connect_timeout=2`;
  return `${target} application_name=${id}${tls === null ? '' : tlsInfo(tls)}`;
}

function tlsInfo({ ca, cert, key }: TlsFiles): string {
  const value = (file: string) => `'${file.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const own = `sslcert=${value(cert)} sslkey=${value(key)}`;
  return ` sslmode=verify-full sslrootcert=${value(ca)} ${own}`;
}

/** Slot names allow no hyphen. */
export function slotName(id: NodeId): string {
  return id.replaceAll('-', '_');
}

function quoted(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

export function configurationText(settings: NodeSettings): string {
  const { id, port, hbaFile, source, quorum, tls, overrides } = settings;
  const values: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    hba_file: hbaFile,
    cluster_name: id,
    primary_conninfo: source,
    primary_slot_name: slotName(id),
    synchronous_standby_names: quorumSetting(quorum),
    ...(tls === null ? {} : tlsSettings(tls)),
    ...fixed,
    shared_buffers: `${sharedBuffersMb()}MB`,
    ...overrides,
  };
  return Object.entries(values)
    .map(([name, value]) => `${name} = ${quoted(value)}\n`)
    .join('');
}

function tlsSettings({ ca, cert, key }: TlsFiles): Record<string, string> {
  return {
    ssl: 'on',
    ssl_ca_file: ca,
    ssl_cert_file: cert,
    ssl_key_file: key,
    ssl_min_protocol_version: 'TLSv1.3',
  };
}

const fixed = {
  max_connections: '200',
  superuser_reserved_connections: '10',
  huge_pages: 'off',
  // Worker processes for reading would cost three processes a node; the data fits into memory.
  io_method: 'sync',
  max_logical_replication_workers: '0',
  jit: 'off',
  work_mem: '8MB',
  maintenance_work_mem: '64MB',
  wal_level: 'replica',
  synchronous_commit: 'on',
  // Any crash of a backend ends the node: shared memory cannot be trusted, and we fail over.
  restart_after_crash: 'off',
  wal_keep_size: '256MB',
  max_slot_wal_keep_size: '2GB',
  max_wal_size: '3GB',
  checkpoint_timeout: '20min',
  checkpoint_completion_target: '0.9',
  wal_compression: 'pglz',
  max_wal_senders: '10',
  max_replication_slots: '10',
  hot_standby: 'on',
  // A long read on a follower yields to replay; the reader asks the leader instead.
  max_standby_streaming_delay: '500ms',
  wal_retrieve_retry_interval: '100ms',
  wal_receiver_status_interval: '1s',
  wal_receiver_timeout: '10s',
  wal_sender_timeout: '10s',
  client_connection_check_interval: '2s',
  password_encryption: 'scram-sha-256',
  timezone: 'UTC',
  log_timezone: 'UTC',
  lc_messages: 'C',
  log_line_prefix: '%m [%p] %q%a@%d ',
  // What leaves the buffers goes to the disk at once, little by little (see sharedBuffersMb).
  backend_flush_after: '256kB',
  bgwriter_delay: '50ms',
  bgwriter_lru_maxpages: '1000',
  log_checkpoints: 'on',
  log_min_messages: 'warning',
} as const;

/**
 * Who may connect. While `barred`, a leader that has just been started again serves nobody but the
 * supervisor and its followers: until a first commit is confirmed, what it shows could still be
 * lost, and a reader must not act on it.
 */
export function accessText(isBarred: boolean, isEncrypted: boolean): string {
  const kind = isEncrypted ? 'hostssl' : 'host';
  const admitted = isEncrypted ? 'scram-sha-256 clientcert=verify-ca' : 'scram-sha-256';
  return [
    `${kind} replication replicator 127.0.0.1/32 ${admitted}`,
    `${kind} all postgres 127.0.0.1/32 ${admitted}`,
    `${kind} all all 127.0.0.1/32 ${isBarred ? 'reject' : admitted}`,
    '',
  ].join('\n');
}
