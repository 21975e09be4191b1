import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** Lines in the logs of a home's services in which one calls something its own fault. */
export function defectsIn(home: string): readonly string[] {
  const folder = path.join(home, 'logs');
  return readdirSync(folder).flatMap((name) =>
    readFileSync(path.join(folder, name), 'utf8')
      .split('\n')
      .filter((line) => /"msg":"(defect|request failed)"|uncaught|unhandled/i.test(line)),
  );
}
