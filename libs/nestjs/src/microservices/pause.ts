import { systemClock } from '@strata-cache/core';

/** A wait that can be cut short. */
export interface Pause {
  readonly over: Promise<void>;
  end(): void;
}

/** Waits `ms`; the timer keeps no process alive. */
export function pause(ms: number): Pause {
  let end: () => void = () => undefined;
  const over = new Promise<void>((resolve) => {
    const timer = systemClock.setTimeout(resolve, ms);
    end = () => {
      systemClock.clearTimeout(timer);
      resolve();
    };
  });
  return { over, end: () => end() };
}
