import type { Clock } from './clock/clock.js';
import { TierError } from './errors.js';

/** Rejects with a TierError after `ms`; a late result or error is ignored. */
export function withDeadline<T>(work: Promise<T>, clock: Clock, ms: number, what: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = clock.setTimeout(() => reject(new TierError(`${what} did not answer within ${ms} ms`)), ms);
    work.then(resolve, reject).finally(() => clock.clearTimeout(timer));
  });
}
