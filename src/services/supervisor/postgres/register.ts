import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Leadership } from '../../../replication/leadership.ts';
import { replaceFile } from '../stored-file.ts';

/** The trio's register: who leads, on disk before it is so. It lies beside its nodes. */
export class Register {
  readonly #file: string;

  constructor(folder: string) {
    this.#file = path.join(folder, 'leadership.json');
  }

  /** Null where the trio has never been set up. */
  read(): Leadership | null {
    let text: string;
    try {
      text = readFileSync(this.#file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
    return JSON.parse(text);
  }

  write(leadership: Leadership): void {
    replaceFile(this.#file, `${JSON.stringify(leadership)}\n`, 0o600);
  }
}
