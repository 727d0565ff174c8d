import type { Clock } from '@strata-cache/core';

/** An instant on both clocks. */
export interface Mark {
  readonly monotonic: number;
  readonly wall: number;
}

export function markNow(clock: Clock): Mark {
  return { monotonic: clock.now(), wall: clock.wall() };
}

/** Clocks may differ in rate by this much, and read whole milliseconds. */
const RATE = 0.98;
const READING = 2;

/**
 * ms for which a grant of `ttl` that was sent for at `sent` may still be believed; 0 and below: not at all. Counted from before it was sent, Redis
 * counts from when it arrived: we are always the first to think that it has ended. The larger of two differences, since the monotonic
 * clock stands still while a machine sleeps, and the wall clock can be set back.
 */
export function leftOf(clock: Clock, sent: Mark, ttl: number): number {
  const elapsed = Math.max(clock.now() - sent.monotonic, clock.wall() - sent.wall);
  return ttl * RATE - READING - elapsed;
}
