import { Session } from 'node:inspector/promises';
import { describe, expect, it } from '@jest/globals';
import { createStrata, defineCache } from '@strata-cache/core';
import { sharedMemory } from '@strata-cache/core/testing';

const READS = 60_000;

const cache = defineCache<[id: string], { id: string; text: string }>({
  name: 'survivors',
  version: 1,
  owner: 'Tests',
  key: (id) => id,
  ttl: '10m',
});

/** Bytes per read that outlived the young generation: what the sampler does not see a scavenge collect. */
async function survivorsPerRead(reads: () => Promise<void>): Promise<number> {
  const session = new Session();
  session.connect();
  try {
    await session.post('HeapProfiler.startSampling', {
      samplingInterval: 4_096,
      includeObjectsCollectedByMajorGC: true,
    });
    await reads();
    const { profile } = await session.post('HeapProfiler.stopSampling');
    let bytes = 0;
    const nodes = [profile.head];
    for (let node = nodes.pop(); node !== undefined; node = nodes.pop()) {
      bytes += node.selfSize;
      nodes.push(...node.children);
    }
    return bytes / READS;
  } finally {
    session.disconnect();
  }
}

describe('what a read of the second tier leaves behind', () => {
  // Dead objects that are old and point to younger ones keep them, and those the next ones: with a Set or Map that shrinks at every end of
  // a flight it was 1,400 bytes a read, and a third of the time went to the collector.
  it('dies young', async () => {
    const strata = createStrata({ l2: sharedMemory() });
    const values = strata.cache(cache);
    for (let index = 0; index < 500; index++) {
      await values.set(`k${index}`, { id: `k${index}`, text: 'x'.repeat(40) });
    }
    const below = values.with({ tiers: ['l2'] });
    const read = async (): Promise<void> => {
      for (let index = 0; index < READS; index++) {
        await below.get(`k${index % 500}`);
      }
    };
    await read();

    const bytes = await survivorsPerRead(read);

    expect(values.stats().loads).toBe(0);
    expect(bytes).toBeLessThan(400);
    await strata.close();
  }, 30_000);
});
