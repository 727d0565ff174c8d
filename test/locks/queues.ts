import { createStrata } from '@strata-cache/core';
import { redis } from '@strata-cache/redis';
import { eventually } from '../support/eventually.js';
import type { RedisServer } from '../support/redis-server.js';
import { locker } from './crashes.js';
import type { Hold } from './locker.child.js';

export interface QueueResult {
  readonly waiters: number;
  readonly inOrder: boolean;
  /** ms from the moment the lock was given up to the last grant. */
  readonly longest: number;
}

/** `waiters` in several processes queue up one by one behind a holder; then each holds for `hold` ms. */
export async function queues(
  server: RedisServer,
  { waiters, processes, hold }: { readonly waiters: number; readonly processes: number; readonly hold: number },
): Promise<QueueResult> {
  const strata = createStrata({ namespace: 'locks', l2: redis({ url: server.url }) });
  const children = await Promise.all(Array.from({ length: processes }, async () => locker()));
  const key = 'queue';
  const first = await strata.locks.acquire(key, { ttl: '10s' });
  const waiting: Promise<Hold>[] = [];
  for (let index = 0; index < waiters; index++) {
    waiting.push(children[index % processes].call('queue', { url: server.url, key, ms: hold }));
    await eventually(async () => (await server.cli('ZCARD', 'strata:{locks.0}:lq:queue')) === index + 1, {
      within: 20_000,
      every: 1,
      what: `waiter ${index} is in the queue`,
    });
  }
  await first.release();
  const holds = await Promise.all(waiting);
  const inOrder = holds.every(({ token }, index) => index === 0 || token > holds[index - 1].token);
  const since = Math.min(...holds.map(({ grantedAt }) => grantedAt));
  const longest = Math.max(...holds.map(({ grantedAt }) => grantedAt)) - since;
  await Promise.all(children.map(async (child) => child.kill9()));
  await strata.close();
  return { waiters, inOrder, longest };
}
