/**
 * Clients that send their headers one byte a second and never finish (Slowloris), as a process of
 * its own. They connect one after another within a second, and each has a timer of its own, as
 * clients of many machines do. A client whose connection the server closes connects again. Reports
 * when each has been connected once, and at every message; ends with its parent.
 */
import { connect } from 'node:net';

export interface SlowClients {
  readonly port: number;
  readonly count: number;
}

export interface SlowClientsReport {
  readonly connected: number;
  /** Connections that the server has closed so far. */
  readonly thrownOut: number;
}

const byteMs = 1_000;
const comeBackMs = 5_000;
const head = `GET /api/products HTTP/1.1\r\nhost: 127.0.0.1\r\nx-slow: ${'s'.repeat(4_000)}`;

function crawl(port: number, onConnected: () => void, onThrownOut: () => void): void {
  const socket = connect(port, '127.0.0.1', onConnected);
  let sent = 0;
  const drip = setInterval(() => {
    socket.write(head.charAt(sent));
    sent += 1;
  }, byteMs);
  socket.on('error', () => {}); // a close follows
  socket.on('data', () => {}); // answers are not read
  socket.once('close', () => {
    clearInterval(drip);
    onThrownOut();
    setTimeout(() => crawl(port, () => {}, onThrownOut), comeBackMs);
  });
}

process.once('message', ({ port, count }: SlowClients) => {
  let [connected, thrownOut] = [0, 0];
  const report = (): void => void process.send?.({ connected, thrownOut });
  const onConnected = (): void => {
    connected += 1;
    if (connected === count) report();
  };
  const onThrownOut = (): void => {
    thrownOut += 1;
  };
  for (let client = 0; client < count; client += 1) {
    setTimeout(crawl, (client / count) * byteMs, port, onConnected, onThrownOut);
  }
  process.on('message', report);
});
process.on('disconnect', () => process.exit(0));
