import { CACHES } from '../contenders/caches.mjs';
import { valueOf } from '../contenders/keys.mjs';
import { calibrate, timed } from '../harness/timed.mjs';

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
  const keys = Array.from({ length: keyCount }, (_, at) => `product-${String(at).padStart(5, '0')}`);
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
  let loadsBefore = 0;
  return {
    async fill(size) {
      bytes = size;
      for (let from = 0; from < keyCount; from += 100) {
        await Promise.all(keys.slice(from, from + 100).map(async (key) => cache.store(key, valueOf(key, bytes))));
      }
      // Some fill behind the answer.
      await new Promise((resolve) => setTimeout(resolve, 200));
    },
    async warm({ readers }) {
      concurrency = readers;
      const until = performance.now() + warmMs;
      while (performance.now() < until) await many(concurrency * 10);
      count = await calibrate(many, roundMs, concurrency);
      loadsBefore = loads;
      ops = 0;
    },
    async round() {
      const { ns, cpu } = await timed(() => many(count));
      ops += count;
      return { ops: count, ns, cpu };
    },
    async check() {
      const missed = loads - loadsBefore;
      if (missed > 0) throw new Error(`${missed} loads in ${ops} reads that should all have been hits of Redis`);
      return { loads: missed, reads: ops };
    },
  };
}
