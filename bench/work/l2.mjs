import { CACHES } from '../contenders/caches.mjs';
import { flat, valueOf } from '../contenders/keys.mjs';
import { calibrate, timed } from '../harness/timed.mjs';

/** Rounds done again at most. */
const MOST_REDONE = 5;

/** Hits of the second tier, `concurrency` readers at a time. One process goes through all sizes and concurrencies. */
export async function prepare({ contender, redisUrl, roundMs, warmMs, keyCount }) {
  let bytes = 0;
  let loads = 0;
  const load = async (key) => {
    loads++;
    return valueOf(key, bytes);
  };
  // Keys are read round and round; the first tier holds a tenth of them, so that by the time a key comes again it has left.
  const cache = await CACHES[contender]({
    load,
    redisUrl,
    maxEntries: keyCount / 10,
    namespace: `l2-${contender.replace(/\W+/g, '-')}`,
  });
  const keys = Array.from({ length: keyCount }, (_, at) => flat(`product-${String(at).padStart(5, '0')}`));
  let at = 0;
  let concurrency = 1;

  /** Each reader takes the next key when it has its answer: a server with that many requests under way. */
  async function many(count) {
    let left = count;
    const reader = async () => {
      while (left-- > 0) {
        const key = keys[at];
        at = at + 1 === keyCount ? 0 : at + 1;
        const value = await cache.get(key);
        if (value.id !== key) throw new Error(`asked for ${key}, got ${value.id}`);
      }
    };
    await Promise.all(Array.from({ length: concurrency }, reader));
  }

  let count = 0;
  let ops = 0;
  let redone = 0;

  async function untilHits() {
    for (let tries = 0; tries < 50; tries++) {
      const before = loads;
      await many(concurrency * 4);
      if (loads === before) return;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    throw new Error('reads that should be hits of Redis go on being loads');
  }

  return {
    async fill(size) {
      bytes = size;
      for (let from = 0; from < keyCount; from += 100) {
        await Promise.all(keys.slice(from, from + 100).map(async (key) => cache.store(key, valueOf(key, bytes))));
      }
      // Some fill behind the answer, and on a busy machine a breaker may have kept some from Redis: until none is missing.
      concurrency = 50;
      for (let passes = 0; ; passes++) {
        await new Promise((resolve) => setTimeout(resolve, 200));
        const before = loads;
        await many(keyCount);
        if (loads === before) return;
        if (passes === 20) throw new Error(`${loads - before} of ${keyCount} keys are still not in Redis`);
      }
    },
    async warm({ readers }) {
      concurrency = readers;
      const until = performance.now() + warmMs;
      while (performance.now() < until) await many(concurrency * 10);
      await untilHits();
      count = await calibrate(many, roundMs, concurrency);
      redone = 0;
      ops = 0;
    },
    /** A round in which a read missed (a breaker opened because the machine stood still) measures something else: it is done again. */
    async round() {
      for (;;) {
        const before = loads;
        const { ns, cpu } = await timed(() => many(count));
        if (loads === before) {
          ops += count;
          return { ops: count, ns, cpu };
        }
        if (++redone > MOST_REDONE)
          throw new Error(`${loads - before} loads in ${count} reads that should all have been hits`);
        await untilHits();
      }
    },
    async check() {
      return { loads: 0, reads: ops, redone };
    },
  };
}
