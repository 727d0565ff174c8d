import { createStrata } from '@strata-cache/core';
import { redis } from '@strata-cache/redis';
import { setTimeout as delay } from 'node:timers/promises';
import { monotonic } from '../history/monotonic.js';
import { FaultProxy } from '../support/fault-proxy.js';
import type { RedisServer } from '../support/redis-server.js';
import type { Seeded } from '../support/seeded.js';
import { locker } from './crashes.js';

export interface BlackHoleResult {
  readonly rounds: number;
  /** The holder was told before anybody else had the lock, with a LeaseLostError that names the key. */
  readonly toldFirst: number;
  /** Further rounds, in which the holder was not run for so long that no timer could have been in time: there only `assertHeld` can know. */
  readonly starved: number;
  /** ms between the two, the least. */
  readonly margin: number;
}

/** Redis is there, and answers the holder no more: from a random instant on its packets are lost in both directions. */
export async function blackHoles(
  server: RedisServer,
  { lanes, rounds, ttl }: { readonly lanes: number; readonly rounds: number; readonly ttl: number },
  random: Seeded,
): Promise<BlackHoleResult> {
  const strata = createStrata({ namespace: 'locks', l2: redis({ url: server.url }) });
  const child = await locker();
  let toldFirst = 0;
  let starved = 0;
  let margin = Infinity;
  const lane = async (index: number): Promise<void> => {
    const proxy = await new FaultProxy(server.port).start();
    let done = 0;
    for (let round = 0; done < rounds && round < 3 * rounds; round++) {
      const key = `hole ${index} ${round}`;
      await child.call('hold', { url: proxy.url, key, ttl: `${ttl}ms` });
      const waiting = strata.locks.acquire(key, { wait: '1m' }).then((lease) => ({ lease, at: monotonic() }));
      await delay(random.int(0, ttl));
      proxy.blackhole('both', true);
      const aborted = await child.next<{ at: number; lost: boolean; named: boolean; lag: number }>(`aborted ${key}`);
      const { lease, at } = await waiting;
      const rightly = aborted.lost && aborted.named;
      if (rightly && aborted.at >= at && aborted.at - aborted.lag < at) {
        starved += 1;
      } else {
        done += 1;
        toldFirst += rightly && aborted.at < at ? 1 : 0;
        margin = Math.min(margin, at - aborted.at);
      }
      await lease.release();
      await proxy.heal();
    }
    await proxy.close();
  };
  await Promise.all(Array.from({ length: lanes }, async (_, index) => lane(index)));
  await child.kill9();
  await strata.close();
  return { rounds: lanes * rounds, toldFirst, starved, margin };
}
