/** Services that a test starts one by one, without the supervisor, as Kubernetes would. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from '../../src/kit/http/free-port.ts';
import { serviceEntry } from '../../src/services/supervisor/service-entry.ts';
import { type PostgresFixture, startPostgres } from '../postgres-fixture.ts';

export const ownerPassword = 'correct horse battery';
const roles = ['catalog', 'customers', 'orders', 'storefront', 'gateway'];
const secrets = {
  DOORBUSTER_INTERNAL_TOKEN: 'a token of this test',
  DOORBUSTER_SESSION_KEY: '00'.repeat(32),
};
const databaseOf: Readonly<Record<string, string>> = { worker: 'orders' };

export interface LoneService {
  readonly role: string;
  /** Its internal port. */
  readonly url: string;
  /** Exit code. */
  readonly gone: Promise<number | null>;
  terminate(): void;
  isReady(): Promise<boolean>;
}

export class LoneServices implements AsyncDisposable {
  readonly #home: string;
  readonly #postgres: PostgresFixture;
  readonly #children = new Set<ChildProcess>();
  readonly #ports: Record<string, number[]> = {};
  readonly #databases: Readonly<Record<string, string>>;
  /** Where shoppers come. */
  readonly publicPort: number;

  private constructor(
    postgres: PostgresFixture,
    databases: Readonly<Record<string, string>>,
    publicPort: number,
  ) {
    this.#postgres = postgres;
    this.#databases = databases;
    this.publicPort = publicPort;
    this.#home = mkdtempSync(path.join(tmpdir(), 'doorbuster-lone-'));
  }

  /** Three databases on one server, and no service. */
  static async open(): Promise<LoneServices> {
    const postgres = await startPostgres();
    const databases: Record<string, string> = {};
    for (const role of ['catalog', 'customers', 'orders']) {
      const database = await postgres.createDatabase();
      const [row] = await database.query<{ name: string }>('select current_database() as name');
      databases[role] = row?.name ?? '';
      await database.close();
    }
    return new LoneServices(postgres, databases, await freePort());
  }

  /** Its address is in DNS from now on. */
  async start(role: string, env: Readonly<Record<string, string>> = {}): Promise<LoneService> {
    const port = await freePort();
    const database = this.#databases[databaseOf[role] ?? role];
    const fakeDns = path.join(import.meta.dirname, 'fake-dns.ts');
    this.#list(role, [...(this.#ports[role] ?? []), port]);
    const child = spawn(process.execPath, ['--import', fakeDns, serviceEntry(role)], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: {
        PATH: process.env['PATH'] ?? '',
        ...secrets,
        ...Object.fromEntries(
          roles.map((each) => [`${each.toUpperCase()}_URL`, `http://_http._tcp.${each}`]),
        ),
        FAKE_DNS_FILE: this.#dnsFile,
        DOORBUSTER_HOME: this.#home,
        DOORBUSTER_DISCOVERY: 'dns',
        DOORBUSTER_DRAIN_SECONDS: '3',
        DOORBUSTER_SERVICE_PORT: String(port),
        DOORBUSTER_RATE_LIMIT: 'off',
        DOORBUSTER_TEST_PAYMENTS: 'on',
        DOORBUSTER_OWNER_PASSWORD: ownerPassword,
        DOORBUSTER_LOG_LEVEL: 'silent',
        PORT: String(this.publicPort),
        ...(database === undefined
          ? {}
          : { DATABASE_URL: `postgres://postgres@127.0.0.1:${this.#postgres.port}/${database}` }),
        ...env,
      },
    });
    this.#children.add(child);
    const url = `http://127.0.0.1:${port}`;
    return {
      role,
      url,
      gone: new Promise((resolve) => child.once('exit', resolve)),
      terminate: () => void child.kill('SIGTERM'),
      isReady: () =>
        fetch(`${url}/readyz`).then(
          ({ ok }) => ok,
          () => false,
        ),
    };
  }

  /** Takes an address out of DNS. */
  forget({ role, url }: LoneService): void {
    this.#list(
      role,
      (this.#ports[role] ?? []).filter((port) => !url.endsWith(`:${port}`)),
    );
  }

  get #dnsFile(): string {
    return path.join(this.#home, 'dns.json');
  }

  #list(role: string, ports: number[]): void {
    this.#ports[role] = ports;
    const names = Object.entries(this.#ports).map(([each, own]) => [`_http._tcp.${each}`, own]);
    writeFileSync(`${this.#dnsFile}.new`, JSON.stringify(Object.fromEntries(names)));
    renameSync(`${this.#dnsFile}.new`, this.#dnsFile);
  }

  /** What a service has answered so far, apart from probes. */
  async requestsOf({ url }: LoneService): Promise<number> {
    const authorization = `Bearer ${secrets.DOORBUSTER_INTERNAL_TOKEN}`;
    const answer = await fetch(`${url}/internal/load`, { headers: { authorization } });
    return ((await answer.json()) as { requests: number }).requests;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const living = [...this.#children].filter(
      ({ exitCode, signalCode }) => exitCode === null && signalCode === null,
    );
    await Promise.all(
      living.map((child) => {
        const gone = new Promise((resolve) => child.once('exit', resolve));
        child.kill('SIGKILL');
        return gone;
      }),
    );
    await this.#postgres.stop();
    rmSync(this.#home, { recursive: true, force: true });
  }
}
