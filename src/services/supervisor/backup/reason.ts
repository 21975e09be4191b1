/** Why a backup or a restore failed, as a sentence for whoever keeps the shop. */

const sentences: Readonly<Record<string, (place: string) => string>> = {
  ENOSPC: () => 'The disk is full: make room, or choose a folder on another one.',
  EDQUOT: () => 'The quota of this user is used up: make room, or choose another folder.',
  EROFS: (place) => `${place} lies on a disk that cannot be written to.`,
  EACCES: (place) => `${place} may not be read or written by this user.`,
  EPERM: (place) => `${place} may not be changed by this user.`,
  ENOENT: (place) => `${place} is not there.`,
  ENOTDIR: (place) => `${place} lies below something that is no folder.`,
  EIO: (place) => `The disk of ${place} cannot be read or written: it may be failing.`,
  ECONNREFUSED: () => 'The shop has no database leader just now: try again in a minute.',
  ECONNRESET: () => 'The database went away meanwhile: try again in a minute.',
  '28P01': () => 'The passwords in secrets.json are not those of this database.',
  '57P01': () => 'The database was stopped meanwhile: try again in a minute.',
  '57P03': () => 'The database is starting or stopping: try again in a minute.',
  '53100': () => "The database's disk is full: make room.",
};

export function reasonOf(error: unknown): string {
  const { name, message, code, path } = error as NodeJS.ErrnoException;
  if (name === 'AbortError') return 'Stopped. What had been copied was removed.';
  if (name === 'DeadlinePassed' || /Connection terminated/.test(message)) {
    return 'The database does not answer: try again in a minute.';
  }
  return sentences[code ?? '']?.(path ?? 'A folder') ?? message;
}
