import { performance } from 'node:perf_hooks';

/** A pending timer of a {@link Clock}. */
export type TimerHandle = object;

/** Time as the engine sees it. Give a fake one to steer the engine in tests; it cannot steer Redis. */
export interface Clock {
  /** Monotonic milliseconds, exact and fractional. Its zero means nothing. */
  now(): number;
  /** Wall-clock milliseconds since the Unix epoch; used only to notice a suspended machine and to show dates. */
  wall(): number;
  /** Runs `run` once after `ms`. The timer never keeps the process alive. */
  setTimeout(run: () => void, ms: number): TimerHandle;
  clearTimeout(timer: TimerHandle): void;
}

/** The real clock: `performance.now()` (imported, for the global of that name is a getter that costs a fifth of the call), `Date.now()` and unreferenced timers. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  setTimeout: (run, ms) => setTimeout(run, ms).unref(),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
};
