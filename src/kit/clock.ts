/** Time as an argument, so that a test can set it. Milliseconds since the Unix epoch. */
export interface Clock {
  now(): number;
}

export interface Time extends Clock {
  sleep(ms: number): Promise<void>;
  /** Runs once after `ms`, unless the returned function is called before. */
  schedule(ms: number, run: () => void): () => void;
}

export const systemClock: Clock = { now: () => Date.now() };

export const systemTime: Time = {
  now: () => Date.now(),
  sleep: (ms) =>
    new Promise((resolve) => {
      setTimeout(resolve, ms);
    }),
  schedule: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};
