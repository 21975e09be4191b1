/**
 * Uses a renewed certificate while the gateway runs: open connections stay, new ones get it.
 *
 * The files are read every minute. Watching them would miss renewals by symbolic links (certbot,
 * Kubernetes secrets). If key and certificate do not fit, since only one file has been replaced yet
 * or one is broken, the old pair stays in use and the files are read again a minute later.
 */
import { X509Certificate } from 'node:crypto';
import type { Log } from '../../../kit/log.ts';
import type { KeyPair } from './tls.ts';

const checkEveryMs = 60_000;
const dayMs = 86_400_000;
/** From then on a warning is logged once a day: the renewal has failed. */
const warnDaysMax = 14;

export interface RenewalParts {
  /** Reads the files. */
  readonly read: () => Promise<KeyPair | null>;
  /** For connections from now on. Throws where key and certificate do not belong together. */
  readonly use: (pair: KeyPair) => void;
  readonly log: Log;
}

export class CertificateRenewal {
  readonly #parts: RenewalParts;
  #inUse: KeyPair;
  /** The last warning, so that each is logged once. */
  #lastWarning = '';
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
      this.#warnBeforeEnd();
    } catch (error) {
      this.#warnOnce(
        String(error),
        { err: error },
        'the renewed certificate cannot be used, the old one stays: do DOORBUSTER_TLS_CERT and ' +
          'DOORBUSTER_TLS_KEY belong together?',
      );
    }
  }

  #warnBeforeEnd(): void {
    const days = Math.floor((this.validUntil - Date.now()) / dayMs);
    if (days >= warnDaysMax) this.#lastWarning = '';
    else this.#warnOnce(`${days} days`, { days }, 'the certificate ends soon: renew it');
  }

  #warnOnce(warning: string, details: object, message: string): void {
    if (warning === this.#lastWarning) return;
    this.#lastWarning = warning;
    this.#parts.log.warn(details, message);
  }

  close(): void {
    clearInterval(this.#timer);
  }
}

function isSame(a: KeyPair, b: KeyPair): boolean {
  return a.cert.equals(b.cert) && a.key.equals(b.key);
}
