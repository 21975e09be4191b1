import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const reports = path.resolve(import.meta.dirname, '../../reports');

/** Prints a report and keeps it as `reports/bench-<name>.md`. */
export function writeBenchReport(name: string, lines: readonly string[]): void {
  const text = `${lines.join('\n')}\n`;
  mkdirSync(reports, { recursive: true });
  writeFileSync(path.join(reports, `bench-${name}.md`), text);
  process.stdout.write(`\n${text}\nsaved as reports/bench-${name}.md\n`);
}
