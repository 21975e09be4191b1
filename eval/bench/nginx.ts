/** NGINX as one serving process in front of one upstream, where it is installed. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../src/kit/http/free-port.ts';
import { endProcess } from './gateway-process.ts';

const startMsMax = 5_000;
const startPauseMs = 20;

export function isNginxInstalled(): boolean {
  return spawnSync('nginx', ['-v']).error === undefined;
}

/** One process does it all, as one gateway does; `/api/products` is cached, the rest is not. */
function configuration(folder: string, port: number, upstreamPort: number): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const pass =
    'proxy_pass http://upstream; proxy_http_version 1.1; proxy_set_header Connection "";';
  return `
    daemon off;
    master_process off;
    pid "${folder}/nginx.pid";
    error_log stderr error;
    events { worker_connections 4096; }
    http {
      access_log off;
      keepalive_requests 1000000000;
      ${temporary.map((name) => `${name}_temp_path "${folder}/${name}";`).join('\n')}
      proxy_cache_path "${folder}/cache" keys_zone=products:10m;
      upstream upstream { server 127.0.0.1:${upstreamPort}; keepalive 64; }
      server {
        listen 127.0.0.1:${port};
        location / { ${pass} }
        location /api/products {
          ${pass}
          proxy_cache products;
          proxy_cache_valid 200 1h;
          proxy_ignore_headers Cache-Control;
        }
      }
    }`;
}

export interface NginxProcess {
  readonly port: number;
  readonly pid: number;
  stop(): Promise<void>;
}

export async function startNginx(upstreamPort: number): Promise<NginxProcess> {
  const folder = mkdtempSync(path.join(tmpdir(), 'doorbuster-nginx-'));
  const port = await freePort();
  const file = path.join(folder, 'nginx.conf');
  writeFileSync(file, configuration(folder, port, upstreamPort));
  const child = spawn('nginx', ['-p', folder, '-c', file], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const stop = async (): Promise<void> => {
    await endProcess(child);
    rmSync(folder, { recursive: true, force: true });
  };
  const until = performance.now() + startMsMax;
  while (!(await listens(port))) {
    if (performance.now() < until && child.exitCode === null) await sleep(startPauseMs);
    else {
      await stop();
      throw new Error('NGINX did not start; what it said stands above');
    }
  }
  return { port, pid: child.pid ?? 0, stop };
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
