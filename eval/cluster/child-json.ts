import { spawn } from 'node:child_process';

/** Runs a script of ours in a process of its own; resolves to the last line it printed, as JSON. */
export function runForJson<T>(script: string, argument: unknown): Promise<T> {
  const child = spawn(process.execPath, [script, JSON.stringify(argument)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      const line = output.trim().split('\n').at(-1) ?? '';
      if (code === 0) resolve(JSON.parse(line) as T);
      else reject(new Error(`${script} ended with code ${code}`));
    });
  });
}
