/**
 * Floors for known sales, from `floors.json` in the home:
 * `[{"tier": "worker", "servers": 4, "from": "2026-11-27T18:00:00Z", "to":
 * "2026-11-27T19:00:00Z"}]`, with a `name` for the sentence where one is wanted. Read again when it
 * changed. A file that is not valid changes nothing: the last valid floors
 * stay in force, and the log says so.
 */
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import Type from 'typebox';
import { Compile } from 'typebox/compile';
import type { ScheduledFloor } from '../../scaling/scheduled-floor.ts';

const floorsMax = 1_000;

const tiers = ['worker', 'gateway', 'storefront', 'catalog'] as const;

const Floors = Type.Array(
  Type.Object(
    {
      tier: Type.Union(tiers.map((tier) => Type.Literal(tier))),
      servers: Type.Integer({ minimum: 1 }),
      from: Type.String({ format: 'date-time' }),
      to: Type.String({ format: 'date-time' }),
      name: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
    },
    { additionalProperties: false },
  ),
  { maxItems: floorsMax },
);
const compiled = Compile(Floors);

/** Throws a sentence that says what is wrong and where. */
export function parseFloors(text: string): ScheduledFloor[] {
  const value: unknown = JSON.parse(text);
  if (!compiled.Check(value)) {
    const [first] = compiled.Errors(value);
    throw new Error(`floors${first?.instancePath ?? ''} ${first?.message ?? 'is not valid'}`);
  }
  return value.map(({ tier, servers, from, to, name }, index) => {
    const [startsAt, endsAt] = [Date.parse(from), Date.parse(to)];
    if (!(startsAt < endsAt)) throw new Error(`floors/${index} ends before it begins`);
    return { tier, servers, startsAt, endsAt, name: name ?? `the schedule from ${from}` };
  });
}

export class FloorsFile {
  readonly #file: string;
  readonly #say: (sentence: string) => void;
  #stamp = '';
  #floors: readonly ScheduledFloor[] = [];

  constructor(home: string, say: (sentence: string) => void) {
    this.#file = path.join(home, 'floors.json');
    this.#say = say;
  }

  read(): readonly ScheduledFloor[] {
    const stat = statSync(this.#file, { throwIfNoEntry: false });
    const stamp = stat === undefined ? '' : `${stat.mtimeMs} ${stat.size} ${stat.ino}`;
    if (stamp === this.#stamp) return this.#floors;
    this.#stamp = stamp;
    if (stat === undefined) {
      this.#floors = [];
      this.#say('floors.json is gone: nothing is scheduled');
      return this.#floors;
    }
    try {
      this.#floors = parseFloors(readFileSync(this.#file, 'utf8'));
      this.#say(`floors.json schedules ${this.#floors.length} floors`);
    } catch (error) {
      this.#say(`floors.json is not used: ${(error as Error).message}`);
    }
    return this.#floors;
  }
}
