import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Cache, createStrata, defineCache, type Strata } from '@strata-cache/core';
import { redis } from '@strata-cache/redis';
import { eventually } from '../support/eventually.js';
import { FaultProxy } from '../support/fault-proxy.js';
import { RedisServer, stopAll } from '../support/redis-server.js';

const products = defineCache<[id: string], { id: string }>({
  name: 'products',
  version: 1,
  owner: 'chaos',
  key: (id) => id,
  ttl: '10m',
  tags: (product) => ['catalog', `product:${product.id}`],
});

/** What asking for the figures costs itself. */
const OURS = ['config|resetstat', 'info'];

describe('what a hit costs', () => {
  let server: RedisServer;
  let proxy: FaultProxy;
  let writer: Strata;
  let reader: Strata;
  let written: Cache<[id: string], { id: string }>;
  let read: Cache<[id: string], { id: string }>;

  beforeAll(async () => {
    server = await new RedisServer().start();
    proxy = await new FaultProxy(server.port).start();
    // Heartbeats far apart: they are not what is counted here.
    const engine = (url: string): Strata =>
      createStrata({ namespace: 'cost', l2: redis({ url }), maxStaleness: '10m', heartbeat: '5m' });
    writer = engine(server.url);
    reader = engine(proxy.url);
    written = writer.cache(products);
    read = reader.cache(products);
    for (const id of ['l1', 'one', 'two', 'tagged', 'warm']) await eventually(async () => store(id));
    await eventually(async () => (await read.get('warm')) !== undefined);
  });

  afterAll(async () => {
    await Promise.all([writer.close(), reader.close()]);
    await stopAll();
  });

  /** True once the entry is in Redis. */
  const store = async (id: string): Promise<boolean> => {
    await written.set(id, { id });
    return (await server.cli('EXISTS', `strata:{cost.0}:e:products:v1:${id}`)) === 1;
  };

  const commandsOf = async (work: () => Promise<unknown>): Promise<Record<string, number>> => {
    await server.resetCommandCalls();
    proxy.resetCounters();
    await work();
    const calls = Object.entries(await server.commandCalls()).filter(([name]) => !OURS.includes(name));
    // TIME is sampled at most once a second, behind a read and in its round trip.
    return Object.fromEntries(calls.filter(([name]) => name !== 'time'));
  };

  it('a tagged hit of the first tier: 0 commands', async () => {
    await read.get('l1');
    const calls = await commandsOf(async () => {
      for (let hit = 0; hit < 1_000; hit += 1) await read.get('l1');
    });
    expect(calls).toEqual({});
    expect(proxy.counters).toMatchObject({ upChunks: 0, downChunks: 0 });
  });

  it('a hit of the second tier: one round trip, one command', async () => {
    const { l2Hits } = read.stats();
    const calls = await commandsOf(async () => read.get('one'));
    expect(calls).toEqual({ mget: 1 });
    expect(proxy.counters.roundTrips).toBe(1);
    expect(read.stats().l2Hits).toBe(l2Hits + 1);
  });

  it('a hundred hits of the second tier in one tick: one round trip, one command', async () => {
    const ids = Array.from({ length: 100 }, (_, index) => `many${index}`);
    for (const id of ids) await written.set(id, { id });
    const calls = await commandsOf(async () => Promise.all(ids.map(async (id) => read.get(id))));
    expect(calls).toEqual({ mget: 1 });
    expect(proxy.counters.roundTrips).toBe(1);
  });

  it('getMany and getOrSetMany: one round trip, one command per shard', async () => {
    const ids = Array.from({ length: 100 }, (_, index) => `batch${index}`);
    await written.setMany(ids.map((id) => [id, { id }] as const));
    const fromRedis = read.with({ tiers: ['l2'] });
    const expected = ids.map((id) => ({ id }));
    const got = await commandsOf(async () => expect(await fromRedis.getMany(ids)).toEqual(expected));
    expect(got).toEqual({ mget: 1 });
    expect(proxy.counters.roundTrips).toBe(1);
    let loads = 0;
    const load = (): never => {
      loads += 1;
      throw new Error('nothing is missing');
    };
    const gotOrSet = await commandsOf(async () => expect(await fromRedis.getOrSetMany(ids, load)).toEqual(expected));
    expect(gotOrSet).toEqual({ mget: 1 });
    expect(proxy.counters.roundTrips).toBe(1);
    expect(loads).toBe(0);
  });

  it('getOrSetMany of missing keys: one trip to read, one for all leases, one call of the loader', async () => {
    const ids = Array.from({ length: 50 }, (_, index) => `missing${index}`);
    // The server knows the scripts from here on.
    await read.getOrSet('known', () => ({ id: 'known' }));
    let trips = -1;
    const calls: number[] = [];
    await commandsOf(async () => {
      await read.getOrSetMany(ids, (_context, missing) => {
        trips = proxy.counters.roundTrips;
        calls.push(missing.length);
        return missing.map(([id]) => ({ id }));
      });
    });
    expect(calls).toEqual([ids.length]);
    // Two, unless a packet is cut in between; never one a key.
    expect(trips).toBeGreaterThanOrEqual(2);
    expect(trips).toBeLessThanOrEqual(4);
    // Stored behind the answer; the figures of the next test begin after that.
    const keys = ids.map((id) => `strata:{cost.0}:e:products:v1:${id}`);
    await eventually(async () => (await server.cli('EXISTS', ...keys)) === keys.length);
  });

  it('an entry older than a tag invalidation: a second trip at first, then one', async () => {
    await writer.invalidateTags(['of-nobody']);
    const [first, second] = [read.with({ tiers: ['l2'] }), read.with({ tiers: ['l2'] })];
    const looked = await commandsOf(async () => first.get('two'));
    expect(looked).toEqual({ mget: 1, zmscore: 1 });
    const again = await commandsOf(async () => second.get('two'));
    expect(again).toEqual({ mget: 1, zmscore: 1 });
    expect(proxy.counters.roundTrips).toBe(1);
  });
});
