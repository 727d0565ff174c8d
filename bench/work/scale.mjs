import { CACHES } from '../contenders/caches.mjs';
import { flat } from '../contenders/keys.mjs';
import { median } from '../harness/numbers.mjs';
import { calibrate, timed } from '../harness/timed.mjs';

const BURST = 1_000;
/** Keys that are read: the same number in every size, so that only the number of entries differs, not the processor's cache. */
const READ = 1_000;

/** Hits with `entries` resident, and tag invalidations that each concern `entries`. */
export async function prepare({ contender, entries, roundMs, tagged }) {
  let loads = 0;
  const load = async (key) => {
    loads++;
    return { id: key };
  };
  const tags = tagged ? () => ['everything'] : undefined;
  const cache = await CACHES[contender]({ load, maxEntries: entries, namespace: 'scale', tags });
  const keys = Array.from({ length: entries }, (_, at) => flat(`product-${at}`));
  for (const key of keys) {
    await (contender === 'lru-cache'
      ? cache.store(key, await load(key))
      : contender === 'await Map.get'
        ? cache.store(key)
        : cache.get(key));
  }
  const step = Math.max(1, Math.floor(entries / READ));
  const read = Array.from({ length: READ }, (_, at) => keys[at * step]);
  const turn = () => new Promise((resolve) => setImmediate(resolve));

  async function hits(count) {
    const bursts = [];
    for (let done = 0; done < count; done += BURST) {
      const since = process.hrtime.bigint();
      for (let at = 0; at < BURST; at++) await cache.get(read[at]);
      bursts.push(Number(process.hrtime.bigint() - since) / BURST);
      await turn();
    }
    return bursts;
  }

  /** What one invalidation costs whoever asks for it; the entries find out when they are looked at. */
  async function invalidations(count) {
    const each = [];
    for (let done = 0; done < count; done++) {
      const since = process.hrtime.bigint();
      await cache.strata.invalidateTags(['everything']);
      each.push(Number(process.hrtime.bigint() - since));
    }
    return each;
  }

  const run = tagged ? invalidations : hits;
  let count = 0;
  let before = 0;
  return {
    async warm() {
      count = await calibrate(run, roundMs, tagged ? 100 : BURST);
      await run(count);
      before = loads;
    },
    async round() {
      const { cpu, result: taken } = await timed(() => run(count));
      return { ops: count, ns: median(taken) * count, cpu };
    },
    async check() {
      if (!tagged && loads !== before) throw new Error(`${loads - before} loads among hits`);
      if (tagged) {
        // It did concern them: what is asked for now is loaded anew.
        await cache.get(keys[entries - 1]);
        if (loads !== before + 1) throw new Error('an invalidated entry was served');
      }
      return { loads: loads - before };
    },
  };
}
