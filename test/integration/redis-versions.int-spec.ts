import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { type Cache, createStrata, defineCache, type Strata } from '@strata-cache/core';
import { redis } from '@strata-cache/redis';
import { eventually } from '../support/eventually.js';
import { RedisServer, stopAll } from '../support/redis-server.js';

type Product = Readonly<Record<string, number>>;
type Products = Cache<[id: string], Product>;

const engines: Strata[] = [];

afterEach(async () => {
  await Promise.all(engines.splice(0).map(async (engine) => engine.close()));
});
afterAll(async () => stopAll());

/** One build of a service: its engine, and the cache in the shape this build knows. */
function build(url: string, version: number): { strata: Strata; cache: Products } {
  const strata = createStrata({ namespace: 'skew', l2: redis({ url }) });
  engines.push(strata);
  const cache = strata.cache(
    defineCache<[id: string], Product>({
      name: 'product',
      version,
      owner: 'versions',
      key: (id) => id,
      ttl: '10m',
      tags: ['products'],
    }),
  );
  return { strata, cache };
}

/** Until both have attached, and the entry is in Redis. */
const stored = async (cache: Products, id: string, value: Product): Promise<void> => {
  await eventually(async () => {
    await cache.set(id, value);
    return (await cache.with({ tiers: ['l2'] }).get(id)) !== undefined;
  });
};

describe('two builds on one Redis, during a roll-out', () => {
  it('read their own shape only, and invalidate by tag for both', async () => {
    const server = await new RedisServer().start();
    const old = build(server.url, 1);
    const next = build(server.url, 2);
    const twin = build(server.url, 1);
    await stored(old.cache, 'tea', { price: 1 });
    await stored(next.cache, 'warm', { cents: 0 });
    await stored(twin.cache, 'warm', { price: 0 });

    expect(await next.cache.get('tea')).toBeUndefined();
    await stored(next.cache, 'tea', { cents: 100 });
    expect(await old.cache.with({ tiers: ['l2'] }).get('tea')).toEqual({ price: 1 });
    expect(await twin.cache.get('tea')).toEqual({ price: 1 });
    expect(await next.cache.with({ tiers: ['l2'] }).get('tea')).toEqual({ cents: 100 });

    expect(await next.strata.invalidateTags(['products'])).toEqual({ acknowledged: true });
    expect(await old.cache.with({ tiers: ['l2'] }).get('tea')).toBeUndefined();
    expect(await next.cache.with({ tiers: ['l2'] }).get('tea')).toBeUndefined();
  });

  it('an entry whose wire format is of a later library is a miss, and replaced', async () => {
    const server = await new RedisServer().start();
    const { cache } = build(server.url, 1);
    const fromRedis = cache.with({ tiers: ['l2'] });
    await stored(cache, 'tea', { price: 1 });
    const key = 'strata:{skew.0}:e:product:v1:tea';
    await server.cli('SETRANGE', key, 17, Buffer.of(2));
    expect(await fromRedis.get('tea')).toBeUndefined();
    expect(await fromRedis.getOrSet('tea', () => ({ price: 2 }))).toEqual({ price: 2 });
    await eventually(async () => (await fromRedis.get('tea'))?.price === 2);
    expect(await server.cli('GETRANGE', key, 17, 17)).toBe('\u0001');
  });
});
