import { createStrata, defineCache, memoryTier } from '@strata-cache/core';

export interface HeapFigures {
  /** MB in use, after a collection, once L1 was full, and at the end. */
  readonly fullMb: number;
  readonly endMb: number;
  readonly entries: number;
  readonly evictions: number;
  readonly loads: number;
}

const mb = (): number => {
  // Twice: what a first collection only marks for finalization, the second one frees.
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage().heapUsed / 2 ** 20;
};

/** Loads `keys` distinct keys through an L1 of `maxEntries`, with tags, failures and deletions in between. */
export async function heapRun(keys: number, maxEntries: number): Promise<HeapFigures> {
  const strata = createStrata({ l1: memoryTier({ maxEntries }) });
  const cache = strata.cache(
    defineCache<[id: string], { id: string; text: string }>({
      name: 'heap',
      version: 1,
      owner: 'EngineTests',
      key: (id) => id,
      ttl: '1h',
      grace: '1h',
      tags: (value) => [`tag:${value.id.length}`],
    }),
  );
  let loads = 0;
  const load = (_context: unknown, id: string): { id: string; text: string } => {
    loads++;
    return { id, text: `value of ${id}` };
  };
  let fullMb = 0;
  for (let index = 0; index < keys; index++) {
    await cache.getOrSet(`key:${index}`, load);
    if (index % 1_000 === 0) {
      await cache.getOrSet(`failing:${index}`, () => Promise.reject(new Error('no'))).catch(() => undefined);
      await cache.delete(`key:${index - 10}`);
      await cache.put(`put:${index}`, () => Promise.resolve({ id: `put:${index}`, text: 'put' }));
    }
    if (index === maxEntries * 3) {
      fullMb = mb();
    }
  }
  const endMb = mb();
  const { l1Entries } = strata.stats();
  const { evictions } = cache.stats();
  await strata.close();
  return { fullMb, endMb, entries: l1Entries, evictions, loads };
}
