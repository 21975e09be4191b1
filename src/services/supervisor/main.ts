/**
 * The supervisor: one command that starts the whole shop on one machine, keeps it running, and
 * stops it in order. Services and databases go on without it; the next supervisor of the same home
 * ends those that are left and starts again on the same data.
 */
import { AssertionError } from 'node:assert';
import { chmodSync, existsSync, mkdirSync, realpathSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import path from 'node:path';
import { Agent, setGlobalDispatcher } from 'undici';
import type { ServiceInstance } from '../../kit/cluster/directory.ts';
import {
  type InternalTls,
  identityFolder,
  ownIdentityFolder,
  readIdentity,
} from '../../kit/cluster/internal-tls.ts';
import { createLog } from '../../kit/log.ts';
import { readSchedule, ScheduledBackups } from './backup/scheduled-backups.ts';
import { refuseUnfinishedRestore } from './backup/unfinished-restore.ts';
import { ClusterFile } from './cluster-file.ts';
import { ClusterReporter } from './cluster-report.ts';
import { type ControlServer, startControlServer } from './control-server.ts';
import { DemoCatalogue } from './demo-import.ts';
import { faultsAreOn } from './faults.ts';
import { Fleet } from './fleet.ts';
import { FloorsFile } from './floors-file.ts';
import { lockHome } from './home-lock.ts';
import { keepIdentity } from './internal-identity.ts';
import { keepLogsLimited } from './log-limit.ts';
import { fixedTiers, scalingForMachine } from './machine-limits.ts';
import { leaveOutRefusedFlags } from './node-flags.ts';
import { watchService } from './postgres/diagnosis.ts';
import { startTrio } from './postgres/open-trio.ts';
import { linksFileIn } from './postgres/replication-links.ts';
import type { Trio } from './postgres/trio.ts';
import { isAlive, servicesOfHome, signal } from './process-table.ts';
import { requireFreePort } from './require-free-port.ts';
import { Scaler } from './scaler.ts';
import { askOverHttp, ScalingObserver } from './scaling-observer.ts';
import { type OpenedSecrets, openSecrets, passwordsAreSet } from './secrets.ts';
import { serviceEnvironment } from './service-environment.ts';
import { ServiceWatch } from './service-watch.ts';
import { checkSettings, serversWanted, unknownSettings } from './settings.ts';

const portDefault = 8_080;
const leftoverMsMax = 1_000;
/** Crash recovery of several gigabytes of log, on a slow disk. */
const firstLeaderMsMax = 10 * 60_000;
const stopGroupMsMax = 1_200;
/** First the roles that clients call, last those that only other services call. */
const stopOrder = [['gateway'], ['storefront', 'worker'], ['customers', 'catalog', 'orders']];
const roles = ['orders', 'catalog', 'customers', 'worker', 'storefront', 'gateway'];

const startedAt = performance.now();

function say(text: string): void {
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1).padStart(5);
  process.stdout.write(`${seconds} s  ${text}\n`);
}

async function main(): Promise<void> {
  checkSettings(process.env);
  for (const sentence of unknownSettings(process.env)) say(sentence);
  const wanted = path.resolve(process.env['DOORBUSTER_HOME'] ?? '.doorbuster');
  mkdirSync(wanted, { recursive: true });
  const home = realpathSync(wanted); // one spelling, by which what we start is found again
  const port = Number(process.env['PORT'] || portDefault);
  const empty = process.argv.includes('--empty');
  for (const folder of ['run', 'logs', 'cache']) {
    mkdirSync(path.join(home, folder), { recursive: true });
  }
  chmodSync(home, 0o711); // the databases' user passes through to its own folder
  const unlock = lockHome(home, port);
  process.on('exit', unlock);
  refuseUnfinishedRestore(home);
  await endLeftovers(home);
  await requireFreePort(port, 'PORT');
  const isEncrypted = process.env['DOORBUSTER_TLS'] === 'on';
  const redirectPort = process.env['DOORBUSTER_REDIRECT_PORT'];
  if (isEncrypted && redirectPort !== undefined) {
    await requireFreePort(Number(redirectPort), 'DOORBUSTER_REDIRECT_PORT');
  }
  const isNewShop = !existsSync(path.join(home, 'pg'));
  const opened = openSecrets(home, process.env['DOORBUSTER_OWNER_PASSWORD']);
  if (!isNewShop) sayWhatIsLost(opened);
  const demo = new DemoCatalogue(home);
  if (opened.fresh && isNewShop && !empty) demo.order();
  const tlsFolder = await prepareIdentity(home);
  const supervisor = new Supervisor({ home, port, opened, demo, runsDemo: !empty, tlsFolder });
  await supervisor.run().catch(async (error: unknown) => {
    process.stderr.write(`${describeError(error)}\n`);
    await supervisor.stop(1);
  });
  if (opened.ownerPasswordMade) {
    process.stdout.write(
      `\nowner@localhost signs in with: ${opened.secrets.ownerPassword}\n` +
        `(shown once; kept in ${path.join(home, 'secrets.json')})\n\n`,
    );
  }
  const scheme = isEncrypted ? 'https' : 'http';
  process.stdout.write(`ready ${scheme}://localhost:${port}\n`);
}

/** Of a shop whose secrets.json was lost or damaged. */
function sayWhatIsLost({ sessionKeyMade, databasePasswordsMade }: OpenedSecrets): void {
  if (sessionKeyMade) {
    say('secrets.json has lost the key of sessions. With a new one everyone has to sign in again,');
    say(
      "guests' carts are empty, and links to guests' orders do not open. A backup has the old key.",
    );
  }
  if (databasePasswordsMade) {
    say('secrets.json has lost the passwords of the databases: they get new ones');
  }
}

/** A sentence where we know what is wrong; the place in the code where it is a bug of ours. */
function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const bugs = [TypeError, RangeError, ReferenceError, SyntaxError, AssertionError];
  const isBug = bugs.some((kind) => error instanceof kind);
  return isBug ? (error.stack ?? error.message) : error.message;
}

/** For TLS inside, if that is on: returns the identity's folder. */
async function prepareIdentity(home: string): Promise<string | null> {
  const folder = identityFolder(home, process.env);
  if (folder === ownIdentityFolder(home)) await keepIdentity(folder, new Date());
  return folder;
}

/**
 * Ends services that a dead supervisor left running. They get a second to finish what they have: a
 * crash in the middle loses nothing, and while they are awaited here the shop sells nothing.
 */
async function endLeftovers(home: string): Promise<void> {
  const left = servicesOfHome(home);
  if (left.length === 0) return;
  say(`ending ${left.length} services that an earlier start left behind`);
  for (const each of left) signal(each, 'SIGTERM');
  const until = Date.now() + leftoverMsMax;
  while (left.some(isAlive) && Date.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  for (const each of left) signal(each, 'SIGKILL');
}

interface SupervisorOptions {
  readonly home: string;
  readonly port: number;
  readonly opened: OpenedSecrets;
  readonly demo: DemoCatalogue;
  /** Started without `--empty`. */
  readonly runsDemo: boolean;
  readonly tlsFolder: string | null;
}

class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #cluster: ClusterFile;
  readonly #fleet: Fleet;
  readonly #tls: InternalTls | null;
  readonly #log;
  #trio: Promise<Trio> | null = null;
  #control: ControlServer | null = null;
  #self: readonly ServiceInstance[] = [];
  #watch: ServiceWatch | null = null;
  #scaler: Scaler | null = null;
  #backups: ScheduledBackups | null = null;
  #reporter: ClusterReporter | null = null;
  /** Services that did not start, as the terminal shows. */
  readonly #failed = new Set<string>();
  #stopping = false;

  constructor(options: SupervisorOptions) {
    const { home, port, opened, tlsFolder } = options;
    this.#options = options;
    this.#log = createLog('supervisor', undefined, path.join(home, 'logs', 'supervisor.log'));
    this.#cluster = new ClusterFile(home, tlsFolder);
    this.#tls = tlsFolder === null ? null : readIdentity(tlsFolder);
    // our requests to services use the same certificates as theirs to each other
    if (this.#tls !== null) setGlobalDispatcher(new Agent({ connect: { ...this.#tls } }));
    this.#fleet = new Fleet({
      home,
      log: this.#log,
      envOf: (role) => serviceEnvironment(role, opened.secrets, port, process.env),
      publish: (services) => this.#cluster.setServices([...services, ...this.#self]),
      onFailedStart: (id, why) => this.#failedToStart(id, why),
      onRestarted: (id) => this.#failed.delete(id) && say(`${id} is ready`),
    });
  }

  async run(): Promise<void> {
    const { home, opened, demo } = this.#options;
    keepLogsLimited(path.join(home, 'logs'));
    const stop = (): void => void this.stop(0);
    process.on('SIGINT', stop).on('SIGTERM', stop).on('SIGHUP', stop);
    process.stdout.on('error', () => {}); // the reader of our progress has gone; we go on
    say('starting three PostgreSQL nodes');
    const { secrets, passwordsAreNew } = opened;
    const views = process.env['DOORBUSTER_CLUSTER_VIEWS'];
    this.#trio = startTrio({
      home,
      passwords: secrets.databasePasswords,
      passwordsAreNew,
      log: this.#log,
      tls: this.#tls,
      linksFile: views === undefined ? undefined : linksFileIn(views),
      say,
      publish: (database, epoch) => this.#cluster.setDatabase(database, epoch),
    });
    for (const flag of leaveOutRefusedFlags())
      say(`services start without ${flag}: this Node refuses it`);
    const trio = await this.#trio;
    if (passwordsAreNew) passwordsAreSet(home, secrets);
    watchService(trio, (sentence) => {
      if (this.#stopping) return;
      this.#log.warn(sentence);
      say(sentence);
    });
    await this.#openControl(trio);
    await trio.untilPublished(firstLeaderMsMax);
    await this.#unlessStopping();
    say(`starting ${roles.join(', ')}`);
    await Promise.all(roles.flatMap((role) => this.#startAll(role)));
    await this.#unlessStopping();
    if (demo.isDue) {
      const [catalog] = this.#fleet.instances('catalog');
      if (catalog === undefined) throw new Error('the catalog is not there to take the demo toys');
      const count = await demo.import(catalog, secrets.internalToken);
      say(`put ${count} demo toys on the shelves`);
    }
    this.#startScaling();
    await trio.durable;
    await this.#unlessStopping();
    const schedule = readSchedule(process.env);
    if (schedule === null) return;
    const report = (sentence: string): void => {
      this.#log.warn(sentence);
      this.#reporter?.note(sentence);
      say(sentence);
    };
    this.#backups = new ScheduledBackups({ schedule, home, log: this.#log, report });
  }

  #failedToStart(id: string, why: string): void {
    this.#failed.add(id);
    const log = path.join(this.#options.home, 'logs', `${id}.log`);
    say(`${id} did not start, and is tried again: ${why} (more in ${log})`);
  }

  /** Once `stop` was called the start does not go on; the process ends when all is down. */
  async #unlessStopping(): Promise<void> {
    if (this.#stopping) await new Promise(() => {});
  }

  async #openControl(trio: Trio): Promise<void> {
    const { opened, runsDemo } = this.#options;
    const { internalToken, databasePasswords } = opened.secrets;
    const services = (): readonly ServiceInstance[] => this.#fleet.instances();
    const all = (): readonly ServiceInstance[] => [...services(), ...this.#self];
    const reporter = new ClusterReporter({
      trio,
      services: all,
      scaling: () => [...(this.#scaler?.decisions ?? [])],
      ask: askOverHttp(internalToken),
      databasePassword: databasePasswords.postgres,
    });
    this.#reporter = reporter;
    trio.onStep((why) => reporter.note(why));
    const areOn = faultsAreOn(process.env['DOORBUSTER_FAULTS'], runsDemo);
    const restart = (id: string): void => this.#fleet.restart(id);
    const faults = { trio, services: all, restart, areOn };
    const common = { internalToken, tls: this.#tls, log: this.#log };
    this.#control = await startControlServer({ ...common, reporter, faults, trio });
    const { url } = this.#control;
    const since = new Date().toISOString();
    const { pid } = process;
    this.#self = [{ id: 'supervisor', role: 'supervisor', url, state: 'ready', pid, since }];
    this.#cluster.setServices(all());
    const kill = ({ pid: hung }: ServiceInstance): boolean => process.kill(hung, 'SIGKILL');
    this.#watch = new ServiceWatch({ services, log: this.#log, onHung: kill });
  }

  #startScaling(): void {
    if (process.env['DOORBUSTER_SCALING'] === 'off') return;
    const fleet = this.#fleet;
    const answered = (instance: ServiceInstance): void => this.#watch?.answered(instance);
    const { home, opened } = this.#options;
    const ask = askOverHttp(opened.secrets.internalToken, answered);
    const floors = new FloorsFile(home, (why) => this.#log.warn(why));
    const tunables = scalingForMachine(availableParallelism(), totalmem(), process.env);
    this.#scaler = new Scaler({
      fleet,
      observer: new ScalingObserver(fleet, ask, fixedTiers(tunables)),
      floors: () => floors.read(),
      tunables,
      log: this.#log,
      now: () => Date.now(),
    });
    this.#scaler.start();
  }

  #startAll(role: string): Promise<string>[] {
    const count = Math.min(serversWanted(role, process.env), availableParallelism() * 4);
    return Array.from({ length: count }, async () => {
      const id = await this.#fleet.start(role);
      this.#failed.delete(id);
      say(`${id} is ready`);
      return id;
    });
  }

  /** Takes everything down in order, also in the middle of a start. */
  async stop(exitCode: number): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    say('stopping');
    this.#backups?.close();
    this.#scaler?.close();
    this.#watch?.close();
    await this.#control?.close();
    await this.#fleet.stop(stopOrder, stopGroupMsMax);
    const trio = await this.#trio?.catch(() => null);
    await trio?.stop();
    say('stopped; nothing is lost');
    process.exit(exitCode);
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${describeError(error)}\n`);
  process.exit(1);
});
