import { readFileSync, renameSync } from 'node:fs';
import path from 'node:path';
import type { Leadership } from '../../../replication/leadership.ts';
import { replaceFile } from '../stored-file.ts';

/** The trio's register: who leads, on disk before it is so. It lies beside its nodes. */
export class Register {
  readonly file: string;

  constructor(folder: string) {
    this.file = path.join(folder, 'leadership.json');
  }

  /** Null where it was never written, or was lost. One that cannot be understood is moved aside. */
  read(): Leadership | null {
    let text: string;
    try {
      text = readFileSync(this.file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
    const leadership = parse(text);
    if (leadership === null) renameSync(this.file, `${this.file}.damaged`);
    return leadership;
  }

  write(leadership: Leadership): void {
    replaceFile(this.file, `${JSON.stringify(leadership)}\n`, 0o600);
  }
}

function parse(text: string): Leadership | null {
  try {
    const { epoch, leader, voters, sealed } = JSON.parse(text) as Leadership;
    const isWhole = Number.isInteger(epoch) && typeof leader === 'string' && Array.isArray(voters);
    return isWhole && typeof sealed === 'boolean' ? { epoch, leader, voters, sealed } : null;
  } catch {
    return null;
  }
}
