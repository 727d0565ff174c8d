import { CACHES } from '../contenders/caches.mjs';
import { median } from '../harness/numbers.mjs';
import { calibrate, timed } from '../harness/timed.mjs';
import { flat, zipfKeys } from '../contenders/keys.mjs';

/** Operations between two visits to the event loop: without them a cached clock would stand still, which no server does. */
const BURST = 1_000;

const ZIPF_LENGTH = 300_000;
const WARM_MS = 300;

/**
 * Hits of the first tier. `scenario`: `hot` one key; `resident` as many keys as `entries`, in a shuffled order; `zipf` 100,000
 * keys of which a tenth fit, misses included; `peek` the synchronous read of one key.
 */
export async function prepare({ contender, scenario, redisUrl, roundMs, entries = 10_000 }) {
  let loads = 0;
  const load = async (key) => {
    loads++;
    return { id: key, name: `Product ${key}`, priceCents: 1999 };
  };
  const maxEntries = scenario === 'zipf' ? 10_000 : Math.max(10_000, Math.ceil(entries * 1.2));
  const cache = await CACHES[contender]({ load, maxEntries, redisUrl, namespace: `l1-${scenario}-${process.pid}` });
  const keys = keysOf(scenario, entries);
  const distinct = scenario === 'resident' ? [...new Set(keys)] : scenario === 'zipf' ? [] : keys;
  for (const key of distinct) await cache.get(key);
  if (cache.raw !== undefined) for (const key of new Set(keys)) await cache.store(key);
  let at = 0;
  const run = scenario === 'peek' ? synchronous(cache.peek, keys[0]) : awaiting(cache.get);
  const turn = () => new Promise((resolve) => setImmediate(resolve));

  /** ns of each burst: their median is not disturbed by what else the machine does, as the sum of them would be. */
  async function many(count) {
    const bursts = [];
    for (let done = 0; done < count; done += BURST) {
      const since = process.hrtime.bigint();
      await run(keys, at, BURST);
      bursts.push(Number(process.hrtime.bigint() - since));
      at = (at + BURST) % keys.length;
      await turn();
    }
    return bursts;
  }

  let count = 0;
  let loadsBefore = 0;
  let ops = 0;
  return {
    async warm() {
      if (scenario === 'zipf') await many(keys.length);
      count = await calibrate(many, roundMs, BURST);
      // Until the compilers have seen what there is to see, however short the rounds are.
      const until = performance.now() + WARM_MS;
      while (performance.now() < until) await many(count);
      loadsBefore = loads;
    },
    async round() {
      const before = loads;
      const { cpu, result: bursts } = await timed(() => many(count));
      ops += count;
      const ns = (median(bursts) * count) / BURST;
      return { ops: count, ns, cpu, hits: 1 - (loads - before) / count };
    },
    async check() {
      const missed = loads - loadsBefore;
      if (scenario !== 'zipf' && missed > 0)
        throw new Error(`${missed} loads in ${ops} reads that should all have been hits`);
      const value = scenario === 'peek' ? cache.peek(keys[0]) : await cache.get(keys[0]);
      if (value?.id !== keys[0]) throw new Error(`the value of ${keys[0]} came back as ${JSON.stringify(value)}`);
      await cache.close?.();
      return { loads: missed, reads: ops };
    },
  };
}

function keysOf(scenario, entries) {
  if (scenario === 'zipf') return zipfKeys(ZIPF_LENGTH);
  if (scenario !== 'resident') return Array.from({ length: BURST }, () => 'product-42');
  const order = Array.from({ length: Math.max(BURST, entries) }, (_, at) => flat(`product-${at % entries}`));
  let seed = 7;
  for (let at = order.length - 1; at > 0; at--) {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    const other = seed % (at + 1);
    [order[at], order[other]] = [order[other], order[at]];
  }
  // A whole number of bursts.
  while (order.length % BURST !== 0) order.push(order[order.length % entries]);
  return order;
}

const awaiting = (get) => async (keys, from, count) => {
  let last;
  for (let at = from; at < from + count; at++) last = await get(keys[at]);
  return last;
};

const synchronous = (peek, key) => (_keys, _from, count) => {
  let last;
  for (let at = 0; at < count; at++) last = peek(key);
  return last;
};
