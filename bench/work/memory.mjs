import { setImmediate as turn } from 'node:timers/promises';
import { CACHES } from '../contenders/caches.mjs';
import { flat } from '../contenders/keys.mjs';

/** Bytes per entry when only the cache holds them, over what they take when two plain arrays do. Needs --expose-gc. */
export async function prepare({ contender, entries, tags }) {
  let keys = [];
  let values = [];
  return {
    async fill() {
      // Code and tables that come with the first cache of a process are no part of an entry.
      const first = await CACHES[contender]({ load: async (id) => ({ id }), maxEntries: 10, namespace: 'first' });
      for (let n = 0; n < 2_000; n++)
        await (contender.startsWith('strata') ? first.get(`k${n}`) : first.store(`k${n}`, n));
      const empty = await heap();
      for (let n = 0; n < entries; n++) {
        keys.push(flat(`product-${String(n).padStart(7, '0')}`));
        values.push({ id: n, name: flat(`Product ${n}`), price: n % 1_000 });
      }
      const alone = await heap();
      const own = { tags: tags ? (value) => [`category-${value.id % 1_000}`] : undefined };
      const cache = await CACHES[contender]({
        load: async (key) => values[Number(key.slice(8))],
        maxEntries: entries,
        namespace: 'mem',
        ...own,
      });
      for (let n = 0; n < entries; n++) {
        // A library that is filled by its loader is filled that way, so that all hold the caller's own object or their own form of it.
        await (contender.startsWith('strata') ? cache.get(keys[n]) : cache.store(keys[n], values[n]));
        if (n % 1_000 === 0) await turn();
      }
      await new Promise((resolve) => setTimeout(resolve, 200));
      const asked = [keys[entries >> 1], keys[entries - 1]];
      keys = [];
      values = [];
      const full = await heap();
      const [probe, last] = [await cache.get(asked[0]), await cache.get(asked[1])];
      const found = [probe, last].filter((value) => value?.id !== undefined).length;
      if (found !== 2) throw new Error(`${contender} does not hold what was stored`);
      return { over: (full - alone) / entries, alone: (alone - empty) / entries };
    },
  };
}

async function heap() {
  for (let round = 0; round < 3; round++) {
    await turn();
    globalThis.gc();
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
