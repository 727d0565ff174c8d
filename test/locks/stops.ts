import { createStrata } from '@strata-cache/core';
import { redis } from '@strata-cache/redis';
import { setTimeout as delay } from 'node:timers/promises';
import type { RedisServer } from '../support/redis-server.js';
import { locker } from './crashes.js';

/** What a lock guards: it refuses a token that is older than one it has seen (docs/locks.md shows it in SQL). */
export class FencedRegister {
  accepted = 0;
  refused = 0;
  #highest = 0n;

  write(token: bigint): boolean {
    const fine = token >= this.#highest;
    this.#highest = fine ? token : this.#highest;
    this[fine ? 'accepted' : 'refused'] += 1;
    return fine;
  }
}

export interface StopResult {
  readonly rounds: number;
  /** After SIGCONT `assertHeld` threw in the first statement. */
  readonly knew: number;
  /** Of these, how often nothing had told the process before: neither a timer nor the connection. */
  readonly computed: number;
  readonly acceptedOld: number;
  readonly refusedOld: number;
  readonly acceptedNew: number;
}

/** SIGSTOP of a holder until somebody else has the lock, then SIGCONT: it knows at once, and its late write is refused. */
export async function stops(server: RedisServer, rounds: number, ttl: number): Promise<StopResult> {
  const strata = createStrata({ namespace: 'locks', l2: redis({ url: server.url }) });
  const child = await locker();
  let [knew, computed, acceptedOld, refusedOld, acceptedNew] = [0, 0, 0, 0, 0];
  for (let round = 0; round < rounds; round++) {
    const register = new FencedRegister();
    const key = `stop ${round}`;
    const spinning = child.call('spin', { url: server.url, key, ttl: `${ttl}ms` });
    const old = await child.next<bigint>('spinning');
    register.write(old);
    await delay(20);
    await child.stop();
    const lease = await strata.locks.acquire(key, { wait: '1m' });
    acceptedNew += register.write(lease.token) ? 1 : 0;
    child.cont();
    const woken = await spinning;
    knew += woken.code === 'ERR_LEASE_LOST' && woken.abortedNow ? 1 : 0;
    computed += woken.knewBefore ? 0 : 1;
    acceptedOld += register.write(woken.token) ? 1 : 0;
    refusedOld += register.refused;
    await lease.release();
  }
  await child.kill9();
  await strata.close();
  return { rounds, knew, computed, acceptedOld, refusedOld, acceptedNew };
}
