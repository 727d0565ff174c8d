import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createStrata, defineCache, type Strata } from '@strata-cache/core';
import { otelObserver } from '@strata-cache/otel';
import { redis } from '@strata-cache/redis';
import { eventually } from '../support/eventually.js';
import { RedisServer, stopAll } from '../support/redis-server.js';
import { Collector } from './collector.js';

const items = defineCache<[id: string], string>({
  name: 'item',
  version: 1,
  owner: 'Test',
  key: (id) => id,
  ttl: '1m',
});

describe('vitals of a real Redis', () => {
  const collector = new Collector();
  let server: RedisServer;
  let strata: Strata;

  beforeAll(async () => {
    server = await new RedisServer({ config: { maxmemory: '64mb', 'maxmemory-policy': 'volatile-lru' } }).start();
    strata = createStrata({ l2: redis({ url: server.url }), observer: otelObserver({ meter: collector.meter }) });
    await eventually(async () => (await strata.cache(items).set('1', 'one')).acknowledged, { what: 'the connection' });
  });
  afterAll(async () => {
    await strata.close();
    await collector.close();
    await stopAll();
  });

  it('are what INFO says', async () => {
    await server.cli('SET', 'not-ours', 'x');
    const [vitals] = await strata.sampleVitals();
    const info = await server.info('everything');
    expect(vitals).toMatchObject({ server: 'Redis', maxBytes: 64 * 1024 ** 2, evictedKeys: 0, keys: 4 });
    // The state, its head and what another program left.
    expect(vitals.keysWithoutTtl).toBe(3);
    expect(vitals.usedBytes).toBeGreaterThan(0.8 * Number(info.used_memory));
    expect(vitals.usedBytes).toBeLessThan(1.2 * Number(info.used_memory));
    expect(vitals.writes).toBe(Number(/calls=(\d+)/.exec(info.cmdstat_set)![1]));
    expect(vitals.fragmentation).toBeGreaterThan(0);
    expect(vitals.commandP99).toBeGreaterThan(0);
    expect(vitals.cpuSeconds).toBeGreaterThan(0);
  });

  it('are exported, sampled behind the collection', async () => {
    await eventually(async () => 'strata.redis.keys{server=Redis}' in (await collector.collect()), {
      what: 'a sample',
    });
    const values = await collector.collect();
    expect(values['strata.redis.memory.max.bytes{server=Redis}']).toBe(64 * 1024 ** 2);
    expect(values['strata.redis.keys.without.ttl{server=Redis}']).toBe(3);
    expect(values['strata.bus.lag.seconds']).toBeGreaterThan(0);
    expect(values['strata.bus.heartbeat.age.seconds']).toBeGreaterThan(0);
  });

  it('count errors and evictions', async () => {
    const before = (await strata.sampleVitals())[0];
    await server.cli('INCR', 'not-ours').catch(() => undefined);
    await server.cli('CONFIG', 'SET', 'maxmemory', '1500kb');
    const filled = async (): Promise<boolean> => {
      const rows = Array.from({ length: 200 }, (_, index): [string, string] => [`row-${index}`, 'x'.repeat(5_000)]);
      await strata.cache(items).setMany(rows);
      return Number((await server.info('stats')).evicted_keys) > 0;
    };
    await eventually(filled, { what: 'an eviction' });
    const [after] = await strata.sampleVitals();
    expect(after.errors).toBeGreaterThan(before.errors);
    expect(after.evictedKeys).toBeGreaterThan(0);
  });

  it('stand beside the reasons for which it did not take a value', async () => {
    await server.cli('CONFIG', 'SET', 'maxmemory', '64mb');
    const other = createStrata({ l2: redis({ url: server.url }) });
    const theirs = other.cache(items);
    await eventually(async () => (await theirs.set('x', 'x')).acknowledged, { what: 'the other instance' });
    const refusals = async (): Promise<unknown> => {
      const values = Object.entries(await collector.collect());
      return Object.fromEntries(values.filter(([name]) => name.startsWith('strata.l2.refusals')));
    };
    await strata.cache(items).getOrSet('overtaken', async () => {
      await theirs.delete('overtaken');
      return 'old';
    });
    await eventually(async () => 'strata.l2.refusals{reason=lease}' in ((await refusals()) as object), {
      what: 'the fill',
    });
    await server.cli('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
    await server.cli('CONFIG', 'SET', 'maxmemory', '1');
    await strata.cache(items).set('full', 'x');
    expect(await refusals()).toEqual({
      'strata.l2.refusals{reason=lease}': 1,
      'strata.l2.refusals{reason=memory}': 1,
    });
    await server.cli('CONFIG', 'SET', 'maxmemory', '64mb');
    await other.close();
  });

  it('are empty while it is away, and hold nobody up', async () => {
    await server.kill9();
    expect(await strata.sampleVitals()).toEqual([]);
  });
});
