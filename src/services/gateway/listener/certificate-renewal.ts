/**
 * Takes up a renewed certificate while the gateway runs: open connections stay, new ones see it.
 *
 * The files are read again every minute. Watching them instead would miss how they are really
 * renewed: behind symbolic links that are turned over (certbot, Kubernetes secrets). A pair that
 * does not fit, because only one of its files has been replaced yet or one is broken, is left alone
 * and looked at again; what is in use stays in use.
 */
import { X509Certificate } from 'node:crypto';
import type { Log } from '../../../kit/log.ts';
import type { KeyPair } from './tls.ts';

const checkEveryMs = 60_000;
const dayMs = 86_400_000;
/** From then on it is said once a day: whoever renews it has failed to. */
const warnDaysMax = 14;

export interface RenewalParts {
  /** What lies in the files now. */
  readonly read: () => Promise<KeyPair | null>;
  /** For connections from now on. Throws where key and certificate do not belong together. */
  readonly use: (pair: KeyPair) => void;
  readonly log: Log;
}

export class CertificateRenewal {
  readonly #parts: RenewalParts;
  #inUse: KeyPair;
  /** What was said of the last look, so that it is said once. */
  #complaint = '';
  readonly #timer: NodeJS.Timeout;

  constructor(inUse: KeyPair, parts: RenewalParts) {
    this.#inUse = inUse;
    this.#parts = parts;
    this.#timer = setInterval(() => void this.check(), checkEveryMs).unref();
  }

  /** When the certificate in use ends, in milliseconds since the Unix epoch. */
  get validUntil(): number {
    return Date.parse(new X509Certificate(this.#inUse.cert).validTo);
  }

  async check(): Promise<void> {
    const { read, use, log } = this.#parts;
    try {
      const found = await read();
      if (found !== null && !isSame(found, this.#inUse)) {
        use(found);
        this.#inUse = found;
        log.info({ validUntil: new Date(this.validUntil).toISOString() }, 'certificate renewed');
      }
      this.#sayWhenItEnds();
    } catch (error) {
      this.#complain(
        String(error),
        { err: error },
        'the renewed certificate cannot be used, the old one stays: do DOORBUSTER_TLS_CERT and ' +
          'DOORBUSTER_TLS_KEY belong together?',
      );
    }
  }

  #sayWhenItEnds(): void {
    const days = Math.floor((this.validUntil - Date.now()) / dayMs);
    if (days >= warnDaysMax) this.#complaint = '';
    else this.#complain(`${days} days`, { days }, 'the certificate ends soon: renew it');
  }

  #complain(complaint: string, details: object, message: string): void {
    if (complaint === this.#complaint) return;
    this.#complaint = complaint;
    this.#parts.log.warn(details, message);
  }

  close(): void {
    clearInterval(this.#timer);
  }
}

function isSame(a: KeyPair, b: KeyPair): boolean {
  return a.cert.equals(b.cert) && a.key.equals(b.key);
}
