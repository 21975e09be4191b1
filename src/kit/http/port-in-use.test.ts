import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { freePort } from './free-port.ts';
import { cannotListen } from './port-in-use.ts';

const inUse = Object.assign(new Error('in use'), { code: 'EADDRINUSE' });

// Which process has a port is read from /proc.
test.runIf(process.platform === 'linux')(
  'names the process that uses the port, without its arguments',
  async () => {
    const port = await freePort();
    const code = `require('net').createServer().listen(${port}, () => console.log('open'))`;
    const other = spawn(process.execPath, ['-e', code, 'hunter2']);
    await once(other.stdout, 'data');
    const { message } = cannotListen(inUse, port, 'PORT');
    other.kill();
    expect(message).toBe(
      `Port ${port} is in use by process ${other.pid} (${process.execPath.slice(0, 80)}). ` +
        'Stop that, or set PORT to another one.',
    );
  },
);

test('says the error of a port that cannot be used for another reason', () => {
  const refused = Object.assign(new Error('refused'), { code: 'EACCES' });
  const { message } = cannotListen(refused, 80, 'PORT');
  expect(message).toBe('Port 80 cannot be used (EACCES). Set PORT to another one.');
});
