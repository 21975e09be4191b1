/**
 * What the visitors of a shop will ask for in the next seconds.
 *
 * A visit is a stream of requests that thins out as visitors leave: `requestsPerVisit` of them, most
 * at its beginning, none after `visitMs` (a falling straight line). So most requests of the next
 * seconds come from visitors who are here already, and how many they are is no guess; only those who
 * have not come yet are, and they are expected at the present rate.
 *
 * A server that boots for five seconds is ordered by what will be asked for then, and one that would
 * be needed again within its boot is not stopped. A rate of requests knows neither: it rises while a
 * crowd comes in, and when the crowd has left it is still high.
 */
import type { CountHistory } from './count-history.ts';

export interface VisitProfile {
  readonly requestsPerVisit: number;
  /** The longest visit. */
  readonly visitMs: number;
}

/** Moments of the next while that are looked at. */
const looks = 4;

/** The most requests per second that are expected at any moment within `withinMs` from now. */
export function highestForecast(
  visits: CountHistory,
  arrivingPerSecond: number,
  { requestsPerVisit, visitMs }: VisitProfile,
  now: number,
  withinMs: number,
): number {
  const pace = paceOf({ requestsPerVisit, visitMs });
  let highest = 0;
  for (let look = 0; look <= looks; look += 1) {
    const ahead = (withinMs * look) / looks;
    const here = pace * stillHere(visits, visitMs, now, ahead);
    const coming = requestsSoFar(arrivingPerSecond, { requestsPerVisit, visitMs }, ahead);
    highest = Math.max(highest, here + coming);
  }
  return highest;
}

/** Visitors who came so far, each counted by the part of its first pace that it has left `ahead`. */
function stillHere({ samples }: CountHistory, visitMs: number, now: number, ahead: number): number {
  let sum = 0;
  for (let index = samples.length - 1; index > 0; index -= 1) {
    const [from, until] = [samples[index - 1], samples[index]];
    if (from === undefined || until === undefined) break;
    const age = now - (from.at + until.at) / 2 + ahead;
    if (age >= visitMs) break;
    sum += (until.total - from.total) * (1 - age / visitMs);
  }
  return sum;
}

/** Requests per second of a steady crowd, so long after its first visitor. */
export function requestsSoFar(
  arrivingPerSecond: number,
  profile: VisitProfile,
  sinceMs: number,
): number {
  const within = Math.min(sinceMs, profile.visitMs);
  const milliseconds = within - (within * within) / (2 * profile.visitMs); // under the falling line
  return (arrivingPerSecond * paceOf(profile) * milliseconds) / 1000;
}

/** Requests per second of a visitor who has just come. */
function paceOf({ requestsPerVisit, visitMs }: VisitProfile): number {
  return (2 * requestsPerVisit * 1000) / visitMs;
}
