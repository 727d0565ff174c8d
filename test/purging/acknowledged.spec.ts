import { afterEach, describe, expect, it } from '@jest/globals';
import { createStrata, defineCache, type BusEvent, type Strata } from '@strata-cache/core';
import { ChaosTier, FakeClock, settle, sharedMemory } from '@strata-cache/core/testing';

const opened: Strata[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map(async (strata) => strata.close()));
});

function observed(options: Parameters<typeof createStrata>[0] = {}): { strata: Strata; heard: BusEvent[] } {
  const heard: BusEvent[] = [];
  const strata = createStrata({ ...options, observer: { invalidated: (event) => heard.push(event) } });
  opened.push(strata);
  return { strata, heard };
}

const productCache = defineCache<[id: string], string>({
  name: 'product',
  version: 1,
  owner: 'PurgingTests',
  key: (id) => id,
  ttl: '1m',
});

describe('observer.invalidated', () => {
  it('in process: told once the invalidation has taken effect', async () => {
    const { strata, heard } = observed();
    await strata.invalidateTags(['a', 'b'], { mode: 'expire' });
    await strata.cache(productCache).delete('1');
    await strata.clear();
    expect(heard.map(({ kind, mode }) => [kind, mode])).toEqual([
      ['tags', 'expire'],
      ['keys', 'delete'],
      ['clear', 'delete'],
    ]);
    expect(heard[0]).toMatchObject({ tags: ['a', 'b'] });
  });

  it('not told before the second tier has acknowledged', async () => {
    const tier = new ChaosTier(sharedMemory());
    const { strata, heard } = observed({ clock: new FakeClock(), l2: tier });
    tier.hold('invalidateTags');
    const invalidation = strata.invalidateTags(['a']);
    await settle();
    expect(heard).toEqual([]);
    tier.release('invalidateTags');
    expect(await invalidation).toEqual({ acknowledged: true });
    expect(heard).toEqual([{ kind: 'tags', tags: ['a'], mode: 'delete' }]);
  });

  it('told after recovery of one that could not be sent, and of no other twice', async () => {
    const clock = new FakeClock();
    const tier = new ChaosTier(sharedMemory());
    const { strata, heard } = observed({ clock, l2: tier });
    tier.down();
    expect(await strata.invalidateTags(['a'])).toEqual({ acknowledged: false });
    expect(await strata.invalidateTags(['b'])).toEqual({ acknowledged: false });
    await clock.advance(2_000);
    expect(heard).toEqual([]);
    tier.up();
    await clock.advance(30_000);
    expect(heard).toEqual([{ kind: 'tags', tags: ['a', 'b'], mode: 'delete' }]);
  });

  it('told at close of what was still unsent', async () => {
    const tier = new ChaosTier(sharedMemory());
    const { strata, heard } = observed({ l2: tier });
    tier.failNext('invalidateTags');
    await strata.invalidateTags(['a']);
    await strata.close();
    expect(heard).toEqual([{ kind: 'tags', tags: ['a'], mode: 'delete' }]);
  });

  it('one that another process began is not told here', async () => {
    const shared = sharedMemory();
    const clock = new FakeClock();
    const [here, there] = [observed({ clock, l2: shared }), observed({ clock, l2: shared })];
    await clock.advance(100);
    await there.strata.invalidateTags(['a']);
    await clock.advance(2_000);
    expect([here.heard.length, there.heard.length]).toEqual([0, 1]);
  });
});
