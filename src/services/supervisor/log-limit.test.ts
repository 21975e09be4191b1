import {
  appendFileSync,
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { limitLogs } from './log-limit.ts';

test('a log beyond the limit is set aside while its writer goes on appending', async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'doorbuster-logs-'));
  const file = path.join(folder, 'gateway-1.log');
  const writer = openSync(file, 'a');
  try {
    writeSync(writer, 'old line\n'.repeat(20));
    writeFileSync(path.join(folder, 'small.log'), 'kept\n');
    await limitLogs(folder, 100);
    writeSync(writer, 'new line\n');
    expect(readFileSync(file, 'utf8')).toBe('new line\n');
    expect(readFileSync(`${file}.1`, 'utf8')).toBe('old line\n'.repeat(20));
    expect(readFileSync(path.join(folder, 'small.log'), 'utf8')).toBe('kept\n');
    appendFileSync(file, 'last line\n');
    expect(readFileSync(file, 'utf8')).toBe('new line\nlast line\n');
  } finally {
    closeSync(writer);
    rmSync(folder, { recursive: true, force: true });
  }
});
