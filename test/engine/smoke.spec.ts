import { describe, expect, it } from '@jest/globals';
import { createStrata, defineCache } from '@strata-cache/core';

const c = defineCache<[id: string], { id: string; n: number }>({
  name: 'c',
  version: 1,
  owner: 'T',
  key: (id) => id,
  ttl: '1m',
});

describe('smoke', () => {
  it('loads once', async () => {
    const strata = createStrata();
    const cache = strata.cache(c);
    let n = 0;
    const all = await Promise.all(
      Array.from({ length: 1000 }, () => cache.getOrSet('a', async () => ({ id: 'a', n: ++n }))),
    );
    expect(n).toBe(1);
    expect(all[999]).toEqual({ id: 'a', n: 1 });
    expect(cache.peek('a')).toEqual({ id: 'a', n: 1 });
    await cache.delete('a');
    expect(cache.peek('a')).toBeUndefined();
    expect((await cache.getOrSet('a', () => ({ id: 'a', n: ++n }))).n).toBe(2);
    await strata.invalidateTags(['x']);
    expect((await cache.getOrSet('a', () => ({ id: 'a', n: ++n }))).n).toBe(2);
    await cache.clear();
    expect((await cache.getOrSet('a', () => ({ id: 'a', n: ++n }))).n).toBe(3);
    expect(cache.stats().loads).toBe(3);
    await strata.close();
  });
});
