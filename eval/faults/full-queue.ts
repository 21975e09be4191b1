/** A queue that is full: the worker stands still, and the door is set to shut after few seconds. */
import type { Fault } from './fault.ts';
import { pause } from './pause.ts';

const standstillMs = 8_000;
const queueSecondsMax = 3;

export const fullQueue: Fault = {
  ...pause('worker', standstillMs),
  name: 'full-queue',
  sentence: `the worker stands still for ${standstillMs / 1_000} s, the door shuts at ${queueSecondsMax} s of backlog`,
  env: { DOORBUSTER_QUEUE_SECONDS_MAX: String(queueSecondsMax) },
};
