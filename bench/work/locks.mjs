import { projectIoredis } from '../contenders/caches.mjs';
import { strataModule } from '../contenders/strata.mjs';
import { calibrate, timed } from '../harness/timed.mjs';

const TTL = 10_000;
const WAIT = 30_000;

/** Each gives `hold(key, run)`: waits for the lock, runs, releases. */
const LOCKS = {
  async strata(redisUrl) {
    const { createStrata } = await strataModule('core');
    const { redis } = await strataModule('redis');
    const strata = createStrata({ namespace: 'bench-locks', l2: redis({ url: redisUrl }) });
    return (key, run) => strata.locks.withLock(key, run, { ttl: TTL, wait: WAIT });
  },
  async redlock(redisUrl) {
    const { Redlock } = await import('@sesamecare-oss/redlock');
    const redlock = new Redlock([client(redisUrl)], { retryCount: 1_000_000 });
    return async (key, run) => {
      const lock = await redlock.acquire([key], TTL);
      try {
        return await run();
      } finally {
        await lock.release();
      }
    };
  },
  async 'redis-semaphore'(redisUrl) {
    const { Mutex } = await import('redis-semaphore');
    const redis = client(redisUrl);
    return async (key, run) => {
      const mutex = new Mutex(redis, key, { lockTimeout: TTL, acquireTimeout: WAIT });
      await mutex.acquire();
      try {
        return await run();
      } finally {
        await mutex.release();
      }
    };
  },
  /** What many write themselves: try, wait 50 ms, try again. No token, no renewal, no queue. */
  async 'SET NX PX loop'(redisUrl) {
    const redis = client(redisUrl);
    let made = 0;
    const mine = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0";
    return async (key, run) => {
      const value = `${process.pid}-${++made}`;
      while ((await redis.set(key, value, 'PX', TTL, 'NX')) === null) await sleep(50);
      try {
        return await run();
      } finally {
        await redis.eval(mine, 1, key, value);
      }
    };
  },
};

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const client = (redisUrl) => new (projectIoredis().Redis)(redisUrl);
const now = () => performance.timeOrigin + performance.now();

export async function prepare({ contender, redisUrl, roundMs }) {
  const hold = await LOCKS[contender](redisUrl);
  await ready(hold);
  let count = 0;
  let serial = 0;
  let readers = 1;
  async function many(wanted) {
    let left = wanted;
    const one = async (lane) => {
      while (left-- > 0) await hold(`free-${lane}-${process.pid}-${serial++}`, async () => undefined);
    };
    await Promise.all(Array.from({ length: readers }, (_, lane) => one(lane)));
  }
  return {
    async warm({ concurrency }) {
      readers = concurrency;
      await many(200);
      count = await calibrate(many, roundMs, concurrency);
    },
    async round() {
      const { ns, cpu } = await timed(() => many(count));
      return { ops: count, ns, cpu };
    },
    check: async () => ({}),
    /** `count` turns with a lock that other processes want as well: when each was held, and until when. */
    async contend({ key, turns, holdMs }) {
      const spans = [];
      for (let turn = 0; turn < turns; turn++) {
        await hold(key, async () => {
          const from = now();
          await sleep(holdMs);
          spans.push([from, now()]);
        });
      }
      return spans;
    },
  };
}

/** A lock service may connect in the background. */
async function ready(hold) {
  for (let tries = 0; ; tries++) {
    try {
      await hold(`ready-${process.pid}`, async () => undefined);
      return;
    } catch (error) {
      if (tries === 50) throw error;
      await sleep(100);
    }
  }
}
