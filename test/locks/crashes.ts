import { createStrata } from '@strata-cache/core';
import { redis } from '@strata-cache/redis';
import { setTimeout as delay } from 'node:timers/promises';
import { monotonic } from '../history/monotonic.js';
import { type Child, fork } from '../support/child.js';
import type { RedisServer } from '../support/redis-server.js';
import type { Seeded } from '../support/seeded.js';
import type { handlers } from './locker.child.js';

export type LockerChild = Child<typeof handlers>;

export async function locker(nodeArgs: readonly string[] = []): Promise<LockerChild> {
  return fork<typeof handlers>(new URL('./locker.child.ts', import.meta.url), [], { nodeArgs });
}

export interface CrashResult {
  readonly rounds: number;
  /** ms from `kill -9` to the next holder, the longest. */
  readonly longest: number;
  /** Rounds whose next holder had no higher token. */
  readonly fallen: number;
}

/** `kill -9` of a holder that renews, at a random instant, with somebody waiting. */
export async function crashes(server: RedisServer, rounds: number, ttl: number, random: Seeded): Promise<CrashResult> {
  const strata = createStrata({ namespace: 'locks', l2: redis({ url: server.url }) });
  let longest = 0;
  let fallen = 0;
  let next = locker();
  for (let round = 0; round < rounds; round++) {
    const child = await next;
    next = round + 1 < rounds ? locker() : next;
    const key = `crash ${round}`;
    const token = await child.call('hold', { url: server.url, key, ttl: `${ttl}ms` });
    const waiting = strata.locks.acquire(key, { wait: '1m' });
    await delay(random.int(0, ttl));
    const killedAt = monotonic();
    await child.kill9();
    const lease = await waiting;
    longest = Math.max(longest, monotonic() - killedAt);
    fallen += lease.token > token ? 0 : 1;
    await lease.release();
  }
  await strata.close();
  return { rounds, longest, fallen };
}
