import { expect, it } from '@jest/globals';
import { createStrata, memoryTier } from '@strata-cache/core';
import { nullTier } from '../../libs/core/src/tiers/null-tier.js';
import { l1StoreContract } from '../contract/l1-store.contract.js';
import { Source, versioned } from './engine-kit.js';

for (const policy of ['s3-fifo', 'lru'] as const) {
  l1StoreContract(`memoryTier (${policy})`, (onRemoval) =>
    memoryTier({ maxEntries: 1_000, maxBytes: '64kb', policy }).create(onRemoval),
  );
}

it('an engine without a first tier works, and stores nothing', async () => {
  const strata = createStrata({ l1: { kind: 'l1', maxEntries: 0, maxBytes: 0, create: () => nullTier } });
  const cache = strata.cache(versioned({ grace: '1h' }));
  const source = new Source();
  const reads = await Promise.all([cache.getOrSet('a', source.load), cache.getOrSet('a', source.load)]);
  expect(reads.map((value) => value?.v)).toEqual([0, 0]);
  source.change('a');
  expect((await cache.getOrSet('a', source.load))?.v).toBe(1);
  await cache.expire('a');
  await cache.set('a', { id: 'a', v: 9 });
  expect(await cache.get('a')).toBeUndefined();
  expect(source.loads).toBe(2);
  await strata.close();
});
