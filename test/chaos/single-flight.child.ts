import { setTimeout as delay } from 'node:timers/promises';
import { createStrata, defineCache } from '@strata-cache/core';
import { redis } from '@strata-cache/redis';
import { serveCalls, tellParent } from '../support/child-side.js';
import { monotonic } from '../history/monotonic.js';

const [url] = process.argv.slice(2);
const reports = defineCache<[id: string], string>({
  name: 'reports',
  version: 1,
  owner: 'chaos',
  key: (id) => id,
  ttl: '5m',
});
const quotas = defineCache<[id: string], string>({
  name: 'quotas',
  version: 1,
  owner: 'chaos',
  key: (id) => id,
  ttl: '5m',
  sharedErrors: { dehydrate: (error) => (error as Error).message, hydrate: (message: string) => new Error(message) },
});
const strata = createStrata({ namespace: 'chaos', l2: redis({ url }) });
const cache = strata.cache(reports);
const told = strata.cache(quotas);
let loads = 0;

export const handlers = serveCalls({
  /** Connected, attached, and able to store. */
  warm: async () => {
    for (let attempt = 0; cache.stats().l2Hits === 0; attempt += 1) {
      const id = `${process.pid}.${attempt}`;
      await cache.getOrSet(id, () => id);
      await delay(20);
      // Not from the first tier: what was stored behind the answer must be there.
      await cache.getOrSet(id, () => id, { tiers: ['l2'] });
    }
  },
  /** Loader executions since the last call. */
  takeLoads: () => {
    const taken = loads;
    loads = 0;
    return taken;
  },
  /** `callers` at once, on one key whose loader fails; `shared`: with `sharedErrors`. The messages they got. */
  failingStorm: async ({ id, callers, shared }: { id: string; callers: number; shared: boolean }) => {
    const load = async (): Promise<string> => {
      loads += 1;
      await delay(1_000);
      throw new Error(`${id} failed in ${process.pid}`);
    };
    const one = async (): Promise<string> =>
      (shared ? told : cache).getOrSet(id, load).catch((error: unknown) => (error as Error).message);
    return Promise.all(Array.from({ length: callers }, one));
  },
  /** `callers` at once, on one key; the loader takes `loaderMs` and tells when it starts. */
  storm: async ({ id, callers, loaderMs }: { id: string; callers: number; loaderMs: number }) => {
    const load = async (): Promise<string> => {
      loads += 1;
      tellParent(`loading ${id}`);
      await delay(loaderMs);
      return `${id} by ${process.pid}`;
    };
    const one = async (): Promise<{ value: string; took: number }> => {
      const since = monotonic();
      const value = await cache.getOrSet(id, load);
      return { value, took: monotonic() - since };
    };
    const answers = await Promise.all(Array.from({ length: callers }, one));
    return {
      answered: answers.length,
      values: [...new Set(answers.map(({ value }) => value))],
      longest: Math.max(...answers.map(({ took }) => took)),
    };
  },
});
