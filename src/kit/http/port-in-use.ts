/** Explains to the owner of the shop why a port could not be opened. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** State of a socket in /proc/net/tcp. */
const listening = '0A';
const nameLengthMax = 80;

/** An error that names the port, its setting, and on Linux the process that uses the port. */
export function cannotListen(error: NodeJS.ErrnoException, port: number, setting: string): Error {
  const why =
    error.code === 'EADDRINUSE'
      ? `Port ${port} is in use${ownerOf(port)}. Stop that, or set ${setting} to another one.`
      : `Port ${port} cannot be used (${error.code}). Set ${setting} to another one.`;
  return new Error(why, { cause: error });
}

function ownerOf(port: number): string {
  try {
    const inodes = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) => inodesOf(file, port));
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      if (!holds(pid, inodes)) continue;
      return ` by process ${pid} (${programOf(pid)})`;
    }
  } catch {
    // no /proc here
  }
  return '';
}

/** The program and its script, without its other arguments: they may be secret. */
function programOf(pid: string): string {
  const [program = '', script = ''] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  return `${program}${script.startsWith('-') ? '' : ` ${script}`}`.trim().slice(0, nameLengthMax);
}

function inodesOf(file: string, port: number): string[] {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  return readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[1]?.endsWith(`:${hex}`) === true && fields[3] === listening)
    .map((fields) => `socket:[${fields[9]}]`);
}

function holds(pid: string, inodes: readonly string[]): boolean {
  try {
    const links = readdirSync(`/proc/${pid}/fd`).map((fd) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${fd}`);
      } catch {
        return '';
      }
    });
    return links.some((link) => inodes.includes(link));
  } catch {
    return false; // another user's process
  }
}
