import { createStrata } from '@strata-cache/core';
import { redis } from '@strata-cache/redis';
import { FaultProxy } from '../support/fault-proxy.js';
import type { RedisServer } from '../support/redis-server.js';

export interface LostReplyResult {
  readonly rounds: number;
  /** Acquires and releases that were executed and whose answer was lost. */
  readonly lost: number;
  readonly granted: number;
  readonly released: number;
}

/** The answer to an acquire is lost, then that to its release: the same caller gets the lock, gives it back, and the next one is served. */
export async function lostReplies(server: RedisServer, rounds: number): Promise<LostReplyResult> {
  const proxy = await new FaultProxy(server.port).start();
  const strata = createStrata({ namespace: 'locks', l2: redis({ url: proxy.url }) });
  const direct = createStrata({ namespace: 'locks', l2: redis({ url: server.url }) });
  await strata.locks.withLock('warm', () => undefined);
  let [lost, granted, released] = [0, 0, 0];
  for (let round = 0; round < rounds; round++) {
    const key = `reply ${round}`;
    const acquireLost = proxy.dropNextReply(`:lk:reply%0020${round}`);
    // A ttl far beyond the wait: whoever blocked himself would not get it in time.
    const lease = await strata.locks.acquire(key, { ttl: '1h', wait: '20s' });
    lost += (await acquireLost) ? 1 : 0;
    lease.assertHeld();
    granted += (await direct.locks.tryAcquire(key)) === null ? 1 : 0;
    const releaseLost = proxy.dropNextReply(`:lk:reply%0020${round}`);
    await lease.release();
    lost += (await releaseLost) ? 1 : 0;
    const next = await direct.locks.tryAcquire(key);
    released += next === null ? 0 : 1;
    await next?.release();
  }
  await strata.close();
  await direct.close();
  await proxy.close();
  return { rounds, lost, granted, released };
}
