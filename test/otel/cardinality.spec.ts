import { afterAll, describe, expect, it } from '@jest/globals';
import { defineCache, memoryTier } from '@strata-cache/core';
import { ChaosTier, sharedMemory } from '@strata-cache/core/testing';
import { otelObserver } from '@strata-cache/otel';
import { closeAll, engine } from '../engine/engine-kit.js';
import { Collector } from './collector.js';

const KEYS = 10_000;

const users = defineCache<[id: string], { name: string }>({
  name: 'user',
  version: 1,
  owner: 'Test',
  key: (id) => id,
  ttl: '1m',
  tags: (_, id) => [`user:${id}`],
});

describe('the number of time series', () => {
  const collector = new Collector();
  const tier = new ChaosTier(sharedMemory());
  const strata = engine({
    l2: tier,
    l1: memoryTier({ maxEntries: 500 }),
    observer: otelObserver({ meter: collector.meter, includeKeys: true }),
  });
  const cache = strata.cache(users);
  afterAll(async () => {
    await closeAll();
    await collector.close();
  });

  /** Everything that takes a key, a tag or an error, once each. */
  async function touch(id: string): Promise<void> {
    await cache.getOrSet(id, async () => ({ name: id }));
    await cache.getOrSet(`bad-${id}`, async () => Promise.reject(new Error(id))).catch(() => undefined);
    await strata.locks.withLock(`lock:${id}`, async () => undefined);
    await strata.invalidateTags([`user:${id}`]);
  }

  it(`does not grow with ${KEYS} keys, tags, locks and errors`, async () => {
    await touch('first');
    tier.failNext('invalidateKeys');
    await cache.delete('first');
    // Evictions need a full L1.
    for (let id = 0; id < 600; id++) await cache.getOrSet(`fill-${id}`, async () => ({ name: 'x' }));
    const before = Object.keys(await collector.collect());
    for (let id = 0; id < KEYS; id += 100) {
      await Promise.all(Array.from({ length: 100 }, (_, index) => touch(`key-${id + index}`)));
    }
    const after = Object.keys(await collector.collect());
    expect(cache.stats().loads).toBeGreaterThanOrEqual(2 * KEYS);
    // An outcome may be seen for the first time; a label that grows with keys would bring thousands.
    expect(after.filter((name) => !before.includes(name)).length).toBeLessThanOrEqual(5);
    expect(before.length).toBeGreaterThan(30);
    expect(after.join()).not.toMatch(/key-|bad-|lock:/);
  });

  it('and label sets invented by a layer above end as "other"', async () => {
    for (let index = 0; index < 5_000; index++) strata.count('responses', ['hit', `reason-${index}`]);
    const values = await collector.collect();
    const responses = Object.entries(values).filter(([name]) => name.startsWith('strata.http.responses'));
    expect(responses.length).toBeLessThanOrEqual(1_001);
    expect(responses.reduce((sum, [, value]) => sum + value, 0)).toBe(5_000);
    expect(values['strata.http.responses{outcome=other,reason=other}']).toBeGreaterThan(3_900);
  });
});
