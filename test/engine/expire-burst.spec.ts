import { describe, expect, it } from '@jest/globals';
import { createStrata, defineCache } from '@strata-cache/core';
import { gate, settle, sharedMemory } from '@strata-cache/core/testing';

describe('expire in the middle of a burst', () => {
  it('is seen by the very next read, although the clock of hits stands still meanwhile', async () => {
    const strata = createStrata();
    const cache = strata.cache(
      defineCache<[id: string], number>({
        name: 'n',
        version: 1,
        owner: 'T',
        key: (id) => id,
        ttl: '1m',
        grace: '1m',
        softTimeout: '5s',
      }),
    );
    let value = 0;
    for (let round = 1; round <= 2_000; round++) {
      await cache.getOrSet('a', () => ++value, { forceRefresh: true });
      for (let hit = 0; hit < 10; hit++) {
        await cache.getOrSet('a', () => ++value);
      }
      await cache.expire('a');
      expect(await cache.getOrSet('a', () => ++value)).toBe(2 * round);
    }
    await strata.close();
  });
});

describe('a reader beside a put', () => {
  it('does not wait for the method of the put, and stores nothing', async () => {
    const memory = sharedMemory();
    const strata = createStrata({ l2: memory });
    const cache = strata.cache(
      defineCache<[id: string], string>({ name: 'p', version: 1, owner: 'T', key: (id) => id, ttl: '1m' }),
    );
    await settle(); // The first proof of the bus drops what began before it.
    const method = gate();
    const putting = cache.put('a', async () => {
      await method.pass();
      return 'new';
    });
    await method.arrived();
    expect(await cache.getOrSet('a', () => 'old')).toBe('old');
    expect(memory.size).toBe(0);
    expect(cache.peek('a')).toBeUndefined();
    method.open();
    await putting;
    expect(await cache.getOrSet('a', () => 'never')).toBe('new');
    await strata.close();
  });
});
