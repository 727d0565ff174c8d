import { createRequire } from 'node:module';
import { join } from 'node:path';
import { strataCache, strataModule } from './strata.mjs';

const TTL = 3_600_000;

/** Each makes a cache of `{ load, redisUrl?, maxEntries, namespace }`; `load(key)` is its loader. With `redisUrl` it has two tiers. */
export const CACHES = {
  strata: strataCache,
  /** The same library, built from another state of the sources: `--against`. */
  'strata before': (options) => strataCache({ ...options, libs: process.env.STRATA_BENCH_BEFORE }),
  'strata, bus': strataCache,
  'strata, otel': async (options) => {
    const { otelObserver } = await strataModule('otel');
    return strataCache({ ...options, observer: otelObserver() });
  },
  /** What a loader throws is told to the processes that wait for it. */
  'strata, errors told': (options) =>
    strataCache({
      ...options,
      sharedErrors: { dehydrate: (error) => error.message, hydrate: (message) => new Error(message) },
    }),
  'strata, L1 off': (options) => strataCache({ ...options, tiers: ['l2'] }),
  'strata @Cacheable': strataMethod,

  'await Map.get': ({ load }) => {
    const map = new Map();
    return {
      // No async function: `await map.get(key)` is the limit, not a promise around it.
      get: (key) => map.get(key),
      raw: map,
      peek: (key) => map.get(key),
      store: async (key) => map.set(key, await load(key)),
    };
  },

  'lru-cache': async ({ load, maxEntries }) => {
    const { LRUCache } = await import('lru-cache');
    const cache = new LRUCache({ max: maxEntries, ttl: TTL, fetchMethod: (key) => load(key) });
    return {
      get: (key) => cache.fetch(key),
      peek: (key) => cache.get(key),
      store: async (key, value) => cache.set(key, value),
    };
  },

  'layered-loader': async ({ load, redisUrl, maxEntries, namespace }) => {
    const { Loader, RedisCache, createNotificationPair } = await layeredLoader();
    const inMemoryCache = { cacheType: 'lru-object', ttlInMsecs: TTL, maxItems: maxEntries };
    if (redisUrl === undefined) {
      const loader = new Loader({ inMemoryCache, dataSourceGetOneFn: (key) => load(key) });
      return {
        get: (key) => loader.get(key),
        peek: (key) => loader.getInMemoryOnly(key),
        store: (key) => loader.get(key),
      };
    }
    const redis = await ioredis5(redisUrl);
    const asyncCache = new RedisCache(redis, { prefix: namespace, json: true, ttlInMsecs: TTL });
    const pair = await notifications(createNotificationPair, redisUrl, namespace);
    const loader = new Loader({ inMemoryCache, asyncCache, dataSourceGetOneFn: (key) => load(key), ...pair });
    await loader.init?.();
    return {
      get: (key) => loader.get(key),
      store: (key) => loader.get(key),
      drop: (key) => loader.invalidateCacheFor(key),
    };
  },

  'async-cache-dedupe': async ({ load, redisUrl, maxEntries }) => {
    const { createCache } = await import('async-cache-dedupe');
    const storage =
      redisUrl === undefined
        ? { type: 'memory', options: { size: maxEntries } }
        : { type: 'redis', options: { client: await ioredis5(redisUrl) } };
    const cache = createCache({ ttl: TTL / 1_000, storage });
    cache.define('fetch', (key) => load(key));
    return { get: (key) => cache.fetch(key), store: (key) => cache.fetch(key) };
  },

  'cache-manager': async ({ load, redisUrl, maxEntries, namespace }) => {
    const { createCache } = await import('cache-manager');
    const { Keyv } = await import('keyv');
    const { CacheableMemory } = await import('cacheable');
    const stores = [new Keyv({ store: new CacheableMemory({ lruSize: maxEntries, useClone: false }), namespace })];
    if (redisUrl !== undefined) stores.push(await keyvRedis(redisUrl, namespace));
    const cache = createCache({ stores, ttl: TTL });
    return { get: (key) => cache.wrap(key, () => load(key)), store: (key, value) => cache.set(key, value) };
  },

  cacheable: async ({ load, redisUrl, maxEntries, namespace }) => {
    const { Cacheable, CacheableMemory } = await import('cacheable');
    const { Keyv } = await import('keyv');
    const primary = new Keyv({ store: new CacheableMemory({ lruSize: maxEntries, useClone: false }) });
    const secondary = redisUrl === undefined ? undefined : await keyvRedis(redisUrl, namespace);
    const cache = new Cacheable({ primary, secondary, ttl: TTL });
    return {
      get: (key) => cache.getOrSet(key, () => load(key), { ttl: TTL }),
      store: (key, value) => cache.set(key, value, TTL),
    };
  },

  bentocache: async ({ load, redisUrl, maxEntries, namespace }) => {
    const { BentoCache, bentostore } = await import('bentocache');
    const { memoryDriver } = await import('bentocache/drivers/memory');
    let store = bentostore().useL1Layer(memoryDriver({ maxItems: maxEntries }));
    if (redisUrl !== undefined) {
      const { redisDriver, redisBusDriver } = await import('bentocache/drivers/redis');
      const { hostname: host, port } = new URL(redisUrl);
      store = store
        .useL2Layer(redisDriver({ connection: { host, port: Number(port) }, prefix: namespace }))
        .useBus(redisBusDriver({ connection: { host, port: Number(port) } }));
    }
    const bento = new BentoCache({ default: 'main', stores: { main: store }, ttl: TTL });
    return {
      get: (key) => bento.getOrSet({ key, ttl: TTL, factory: () => load(key) }),
      store: (key, value) => bento.set({ key, value, ttl: TTL }),
    };
  },

  'raw ioredis': async ({ redisUrl, load, namespace }) => {
    const { Redis } = projectIoredis();
    const redis = new Redis(redisUrl);
    await redis.ping();
    return {
      get: (key) => redis.get(`${namespace}:${key}`).then(parsed),
      store: async (key) => redis.set(`${namespace}:${key}`, JSON.stringify(await load(key)), 'PX', TTL),
    };
  },

  'raw node-redis': async ({ redisUrl, load, namespace }) => {
    const { createClient } = await import('redis');
    const redis = createClient({ url: redisUrl });
    await redis.connect();
    return {
      get: (key) => redis.get(`${namespace}:${key}`).then(parsed),
      store: async (key) => redis.set(`${namespace}:${key}`, JSON.stringify(await load(key)), { PX: TTL }),
    };
  },
};

const parsed = (text) => (text === null ? undefined : JSON.parse(text));

/** The decorator, by the testing module's own way of giving an instance its engine. */
async function strataMethod(options) {
  const { strata, definition, close } = await strataCache(options);
  const { Cacheable } = await strataModule('nestjs');
  const { withStrata } = await strataModule('nestjs', 'testing/index.js');
  class Products {
    async find(id) {
      return options.load(id);
    }
  }
  const descriptor = Object.getOwnPropertyDescriptor(Products.prototype, 'find');
  Cacheable(definition)(Products.prototype, 'find', descriptor);
  Object.defineProperty(Products.prototype, 'find', descriptor);
  const products = withStrata(new Products(), strata);
  return { get: (id) => products.find(id), store: (id) => products.find(id), close };
}

/** The very client the project uses: libs/redis resolves it, not the one the peers brought along. */
export function projectIoredis() {
  const require = createRequire(join(import.meta.dirname, '../../libs/redis/package.json'));
  return require('ioredis');
}

async function ioredis5(redisUrl) {
  const { default: Redis } = await import('ioredis');
  return new Redis(redisUrl);
}

async function layeredLoader() {
  const { default: module } = await import('layered-loader');
  return module;
}

async function notifications(createNotificationPair, redisUrl, namespace) {
  const { publisher: notificationPublisher, consumer: notificationConsumer } = createNotificationPair({
    channel: `${namespace}:inv`,
    consumerRedis: await ioredis5(redisUrl),
    publisherRedis: await ioredis5(redisUrl),
  });
  return { notificationPublisher, notificationConsumer };
}

async function keyvRedis(redisUrl, namespace) {
  const { createKeyv } = await import('@keyv/redis');
  return createKeyv(redisUrl, { namespace });
}
