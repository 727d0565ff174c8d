import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { watchedTier } from '../harness/gone.mjs';

/** The libraries as built, copied aside before the run: what others build meanwhile does not get mixed in. */
export function strataModule(name, file = 'index.js', libs = process.env.STRATA_BENCH_LIBS) {
  return import(pathToFileURL(join(libs, 'node_modules/@strata-cache', name, 'dist', file)).href);
}

/**
 * An engine with one cache. `loads.count` counts loader calls.
 * `tagged`: the entries carry one tag each; `observer`: as in createStrata.
 */
export async function strataCache({
  load,
  redisUrl,
  maxEntries = 10_000,
  maxBytes = '2gb',
  namespace = 'bench',
  tags,
  observer,
  consistency,
  tiers,
  sharedErrors,
  libs,
  went,
}) {
  const { createStrata, defineCache, memoryTier } = await strataModule('core', 'index.js', libs);
  const l2 =
    redisUrl === undefined ? undefined : (await strataModule('redis', 'index.js', libs)).redis({ url: redisUrl });
  const limits = { maxEntries, maxBytes };
  const l1 = went === undefined ? memoryTier(limits) : watchedTier(memoryTier, limits, went);
  const strata = createStrata({ namespace, l1, l2, observer, consistency });
  const definition = defineCache({
    name: 'product',
    version: 1,
    owner: 'bench',
    key: (id) => id,
    ttl: '1h',
    jitter: 0,
    tags,
    sharedErrors,
  });
  const whole = strata.cache(definition);
  const cache = tiers === undefined ? whole : whole.with({ tiers });
  const loader = (_context, id) => load(id);
  if (l2 !== undefined) await connected(whole);
  return {
    strata,
    cache,
    definition,
    get: (key) => cache.getOrSet(key, loader),
    peek: (key) => cache.peek(key),
    store: (key, value) => cache.set(key, value),
    close: () => strata.close(),
  };
}

/** Connecting happens in the background: until it is done everything would be measured without the second tier. */
async function connected(cache) {
  const until = Date.now() + 10_000;
  for (;;) {
    const { acknowledged } = await cache.delete('@probe');
    await new Promise((resolve) => setTimeout(resolve, 20));
    if (acknowledged) {
      // And until the bus has proven that it delivers: before that no L1 hit is served.
      await cache.set('@probe', 1);
      if (cache.peek('@probe') === 1) return;
    }
    if (Date.now() > until) throw new Error('strata: no connection to Redis within 10 s');
  }
}
