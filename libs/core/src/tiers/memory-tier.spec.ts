import { describe, expect, it } from '@jest/globals';
import { CacheConfigError } from '../errors.js';
import { memoryTier, type MemoryTierOptions } from './memory-tier.js';

const FILL = {
  value: 1,
  bytes: 1,
  createdAt: 0,
  checkAt: 9,
  staleAt: 9,
  goneAt: 9,
  sequence: 0,
  tags: undefined,
  id: '',
};

describe('memoryTier', () => {
  it('has the documented defaults', () => {
    expect(memoryTier()).toMatchObject({ kind: 'l1', maxEntries: 10_000, maxBytes: 64 * 1024 ** 2 });
    expect(memoryTier({ maxEntries: undefined, maxBytes: undefined, policy: undefined })).toMatchObject({
      maxEntries: 10_000,
    });
    expect(memoryTier({ maxEntries: 5, maxBytes: '1kb', policy: 'lru' })).toMatchObject({
      maxEntries: 5,
      maxBytes: 1024,
    });
  });

  it('is a recipe: stores made from it share nothing', () => {
    const recipe = memoryTier();
    const [one, other] = [recipe.create(), recipe.create()];
    one.set('a', FILL);
    expect([one.size, other.size, other.find('a')]).toEqual([1, 0, -1]);
    other.set('b', FILL);
    one.clear();
    expect([one.size, other.size]).toEqual([0, 1]);
  });

  it.each([
    [{ maxEntrys: 5 }, 'memoryTier: unknown option "maxEntrys"; known are maxEntries, maxBytes, policy'],
    [{ maxEntries: 0 }, 'memoryTier maxEntries: expected a whole number from 1 to 16777216, got 0'],
    [{ maxEntries: -1 }, 'memoryTier maxEntries'],
    [{ maxEntries: 1.5 }, 'memoryTier maxEntries'],
    [{ maxEntries: Infinity }, 'memoryTier maxEntries'],
    [{ maxEntries: 2 ** 24 + 1 }, 'memoryTier maxEntries'],
    [{ maxEntries: '100' }, 'memoryTier maxEntries'],
    [{ maxBytes: 0 }, 'memoryTier maxBytes'],
    [{ maxBytes: '64 megs' }, 'memoryTier maxBytes'],
    [{ policy: 'fifo' }, 'memoryTier policy: expected "s3-fifo" or "lru", got "fifo"'],
    [{ policy: '__proto__' }, 'memoryTier policy'],
    [null, 'memoryTier: expected an object of options'],
    ['lru', 'memoryTier: expected an object of options'],
  ])('refuses %j', (options, message) => {
    const make = (): unknown => memoryTier(options as MemoryTierOptions);
    expect(make).toThrow(CacheConfigError);
    expect(make).toThrow(message);
  });
});
