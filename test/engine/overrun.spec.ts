import { afterEach, describe, expect, it } from '@jest/globals';
import { FakeClock, settle } from '@strata-cache/core/testing';
import type { Strata } from '@strata-cache/core';
import { closeAll, engine, versioned, type VersionedCache } from './engine-kit.js';

afterEach(closeAll);

type Invalidate = (cache: VersionedCache, strata: Strata) => Promise<unknown>;
const invalidations: Record<string, Invalidate> = {
  delete: (cache) => cache.delete('a'),
  expire: (cache) => cache.expire('a'),
  'a fixed tag': (_cache, strata) => strata.invalidateTags(['fixed']),
  'clear of the cache': (cache) => cache.clear(),
  'clear of the tenant': (_cache, strata) => strata.clearTenant('t'),
  'clear of everything': (_cache, strata) => strata.clear(),
};

describe('a load that hangs', () => {
  it.each(Object.entries(invalidations))('does not hold up a read that starts after %s', async (_name, invalidate) => {
    const strata = engine({ clock: new FakeClock() });
    const cache = strata.cache(versioned({ tags: ['fixed'], tenant: () => 't' }));
    const left = new AbortController();
    const hung = cache.getOrSet('a', () => new Promise<never>(() => undefined), { signal: left.signal });
    await settle();
    await invalidate(cache, strata);
    expect((await cache.getOrSet('a', () => ({ id: 'a', v: 1 })))?.v).toBe(1);
    left.abort(new Error('left'));
    await expect(hung).rejects.toThrow('left');
    expect(cache.peek('a')?.v).toBe(1);
  });
});
