/** A known sale: from the moment the doors open until the crowd is met, never fewer than this. */
export interface ScheduledFloor {
  readonly tier: string;
  readonly servers: number;
  /** Milliseconds since the epoch: when the servers must be ready, not when they start booting. */
  readonly startsAt: number;
  readonly endsAt: number;
  /** For the sentence, e.g. "the drop at 18:00". */
  readonly name: string;
}

/** The highest floor that holds for servers ordered now, which are ready `bootMs` later. */
export function floorAt(
  floors: readonly ScheduledFloor[],
  tier: string,
  now: number,
  bootMs: number,
): ScheduledFloor | null {
  let highest: ScheduledFloor | null = null;
  for (const floor of floors) {
    if (floor.tier !== tier || now < floor.startsAt - bootMs || now >= floor.endsAt) continue;
    if (highest === null || floor.servers > highest.servers) highest = floor;
  }
  return highest;
}
