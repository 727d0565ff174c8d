import { createStrata, LeaseLostError, type Strata } from '@strata-cache/core';
import { redis } from '@strata-cache/redis';
import { Redis } from 'ioredis';
import { setTimeout as delay } from 'node:timers/promises';
import { monotonic } from '../history/monotonic.js';
import { serveCalls, tellParent } from '../support/child-side.js';

/** A process of its own that takes locks: the parent kills it, stops it, and cuts it off. Instants are the machine's. */
const engines = new Map<string, Strata>();

/** How one hold went. */
export interface Hold {
  readonly token: bigint;
  /** What a counter of the server said inside. */
  readonly turn: number;
  readonly askedAt: number;
  readonly grantedAt: number;
  /** When giving it back began. */
  readonly releasedAt: number;
}

interface Ask {
  readonly url: string;
  readonly key: string;
  readonly ttl: `${number}ms`;
  readonly renew?: boolean;
}

function locksAt(url: string): Strata['locks'] {
  const strata = engines.get(url) ?? createStrata({ namespace: 'locks', l2: redis({ url }) });
  engines.set(url, strata);
  return strata.locks;
}

async function holdOnce(url: string, key: string, inside: () => Promise<number>): Promise<Hold> {
  const askedAt = monotonic();
  const lease = await locksAt(url).acquire(key, { wait: '10m' });
  const grantedAt = monotonic();
  const turn = await inside();
  lease.assertHeld();
  const releasedAt = monotonic();
  await lease.release();
  return { token: lease.token, turn, askedAt, grantedAt, releasedAt };
}

export const handlers = serveCalls({
  /** Takes the lock and keeps it. The parent is told when the lease is lost. */
  hold: async ({ url, key, ttl, renew }: Ask) => {
    const lease = await locksAt(url).acquire(key, { ttl, wait: '1m', renew });
    let lastTurn = monotonic();
    let longestTurn = 0;
    const watch = setInterval(() => {
      longestTurn = Math.max(longestTurn, monotonic() - lastTurn);
      lastTurn = monotonic();
    }, 2);
    lease.signal.addEventListener('abort', () => {
      clearInterval(watch);
      const at = monotonic();
      const lost = lease.signal.reason instanceof LeaseLostError;
      const named = String(lease.signal.reason).includes(key);
      tellParent(`aborted ${key}`, { at, lost, named, lag: Math.max(longestTurn, at - lastTurn) });
    });
    return lease.token;
  },

  /**
   * Takes the lock and looks at the time without a pause until it has jumped: the parent has stopped this process. What is tried then is
   * tried before any timer or socket of this process could tell it anything.
   */
  spin: async ({ url, key, ttl }: Ask) => {
    const lease = await locksAt(url).acquire(key, { ttl, wait: '1m' });
    tellParent('spinning', lease.token);
    await delay(10);
    let last = monotonic();
    const until = last + 20_000;
    for (let now = last; now - last < parseInt(ttl) / 2 && now < until; now = monotonic()) {
      last = now;
    }
    const before = lease.signal.aborted;
    let code = 'held';
    try {
      lease.assertHeld();
    } catch (error) {
      code = error instanceof LeaseLostError ? error.code : String(error);
    }
    return {
      token: lease.token,
      knewBefore: before,
      code,
      abortedNow: lease.signal.aborted,
      stood: monotonic() - last,
    };
  },

  /** Queues up once and holds for `ms`. */
  queue: async ({ url, key, ms }: { url: string; key: string; ms: number }) =>
    holdOnce(url, key, async () => delay(ms, 0)),

  /** `contenders` hold in turn, `rounds` times each; inside, a counter on the server proves that nobody else is. */
  contend: async ({ url, server, key, contenders, rounds }: Contend) => {
    const raw = new Redis(server);
    let violations = 0;
    const inside = async (): Promise<number> => {
      violations += (await raw.incr(`inside:${key}`)) === 1 ? 0 : 1;
      const turn = await raw.incr(`turn:${key}`);
      await raw.decr(`inside:${key}`);
      return turn;
    };
    const one = async (): Promise<Hold[]> => {
      const holds: Hold[] = [];
      for (let round = 0; round < rounds; round++) {
        holds.push(await holdOnce(url, key, inside));
      }
      return holds;
    };
    const holds = (await Promise.all(Array.from({ length: contenders }, one))).flat();
    raw.disconnect();
    return { violations, holds };
  },

  /** `count` cycles over 100 names; heap after a full collection, gauges and timers. */
  cycles: async ({ url, count }: { url: string; count: number }) => {
    const locks = locksAt(url);
    for (let cycle = 0; cycle < count; cycle++) {
      const lease = await locks.acquire(`cycle ${cycle % 100}`);
      await lease.release();
      if (cycle % 10 === 0) {
        await locks.withLock(`cycle ${cycle % 100}`, () => undefined, { reentrant: true });
      }
    }
    await delay(50);
    (globalThis as { gc?: () => void }).gc?.();
    await delay(10);
    (globalThis as { gc?: () => void }).gc?.();
    const timers = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    return { heap: process.memoryUsage().heapUsed, timers, ...locks.stats() };
  },
});

interface Contend {
  /** For the locks; may lead through a proxy. */
  readonly url: string;
  readonly server: string;
  readonly key: string;
  readonly contenders: number;
  readonly rounds: number;
}
