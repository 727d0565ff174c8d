import { CACHES } from '../contenders/caches.mjs';
import { valueOf } from '../contenders/keys.mjs';
import { calibrate, timed } from '../harness/timed.mjs';

/** Keys read round and round; the first tier holds a tenth of them, so that by the time a key comes again it has left. */
const KEYS = 10_000;
const L1_ENTRIES = 1_000;

/** Hits of the second tier, `concurrency` readers at a time. */
export async function prepare({ contender, redisUrl, bytes, concurrency, roundMs }) {
  let loads = 0;
  const load = async (key) => {
    loads++;
    return valueOf(key, bytes);
  };
  const cache = await CACHES[contender]({
    load,
    redisUrl,
    maxEntries: L1_ENTRIES,
    namespace: `l2-${contender.replace(/\W+/g, '-')}-${bytes}-${concurrency}`,
  });
  const keys = Array.from({ length: KEYS }, (_, at) => `product-${String(at).padStart(5, '0')}`);
  for (let from = 0; from < KEYS; from += 100) {
    await Promise.all(keys.slice(from, from + 100).map(async (key) => cache.store(key, valueOf(key, bytes))));
  }
  // Fills go on behind the answers.
  await new Promise((resolve) => setTimeout(resolve, 300));
  let at = 0;

  /** Each reader takes the next key when it has its answer: a server with that many requests under way. */
  async function many(count) {
    let left = count;
    const reader = async () => {
      while (left-- > 0) {
        const key = keys[at];
        at = at + 1 === KEYS ? 0 : at + 1;
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
    async warm() {
      count = await calibrate(many, roundMs, concurrency);
      await many(count);
      loadsBefore = loads;
    },
    async round() {
      const { ns, cpu } = await timed(() => many(count));
      ops += count;
      return { ops: count, ns, cpu };
    },
    async check() {
      const missed = loads - loadsBefore;
      if (missed > 0) throw new Error(`${missed} loads in ${ops} reads that should all have been hits of Redis`);
      await cache.close?.();
      return { loads: missed, reads: ops };
    },
  };
}
