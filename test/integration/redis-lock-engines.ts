import { afterEach } from '@jest/globals';
import { createStrata, systemClock, type Clock, type Observer, type Strata } from '@strata-cache/core';
import { redis, type RedisTierOptions } from '@strata-cache/redis';
import { stopAll } from '../support/redis-server.js';

/** Prefix of the names of locks that the engines of these tests share. */
export const PREFIX = 'strata:{locks.0}';
const open: Strata[] = [];

/** Closes the engines and servers of each test of the calling file. */
export function closeAfterEach(): void {
  afterEach(async () => {
    await Promise.all(open.splice(0).map(async (strata) => strata.close()));
    await stopAll();
  });
}

export function engine(options: RedisTierOptions, observer: Observer = {}, clock: Clock = systemClock): Strata {
  const strata = createStrata({ namespace: 'locks', l2: redis(options), observer, clock });
  open.push(strata);
  return strata;
}
