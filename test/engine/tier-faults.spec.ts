import { afterEach, describe, expect, it } from '@jest/globals';
import { ChaosTier, FakeClock, settle, sharedMemory } from '@strata-cache/core/testing';
import { closeAll, engine, notices, pair, Source, versioned } from './engine-kit.js';

afterEach(closeAll);

describe('storing never delays an answer, failing never shows', () => {
  it('a held fill', async () => {
    const { stratas, tiers } = await pair();
    const cache = stratas[0].cache(versioned());
    const source = new Source();
    tiers[0].hold('fill');
    expect((await cache.getOrSet('a', source.load))?.v).toBe(0);
    expect((await cache.getOrSet('a', source.load))?.v).toBe(0);
    expect(source.loads).toBe(1);
    tiers[0].release('fill');
  });

  it('a tag deleted while a fill is held: the next reader loads, and the process goes on', async () => {
    const { stratas, tiers } = await pair();
    const cache = stratas[0].cache(versioned());
    const source = new Source();
    source.tags = ['t'];
    tiers[0].hold('fill');
    await cache.getOrSet('a', source.load);
    source.change('a');
    await stratas[0].invalidateTags(['t']);
    const next = cache.getOrSet('a', source.load);
    await settle();
    tiers[0].release('fill');
    await settle();
    expect((await next)?.v).toBe(1);
  });

  it('hardTimeout during a held fill fails nothing', async () => {
    const { stratas, tiers, clock } = await pair();
    const cache = stratas[0].cache(versioned({ hardTimeout: '300ms' }));
    const source = new Source();
    tiers[0].hold('fill');
    await cache.getOrSet('a', source.load);
    await clock.advance(400);
    tiers[0].release('fill');
    await settle();
    expect(cache.stats()).toMatchObject({ loads: 1, loadErrors: 0 });
  });

  const operations = ['read', 'lease', 'renew', 'release', 'waitForWake', 'fill'] as const;
  const kinds = ['lost', 'late'] as const;
  it.each(operations.flatMap((operation) => kinds.map((kind) => [operation, kind] as const)))(
    'a failing %s (%s): every caller is answered, the loader runs once per miss',
    async (operation, kind) => {
      const { stratas, tiers, clock } = await pair();
      const cache = stratas[0].cache(versioned());
      const source = new Source();
      tiers[0].failNext(operation, 1, kind);
      const reads = Promise.all(Array.from({ length: 10 }, () => cache.getOrSet('a', source.load)));
      await clock.advance(3_000);
      expect((await reads).every((value) => value?.v === 0)).toBe(true);
      expect(source.loads).toBe(1);
    },
  );

  it.each(['read', 'lease', 'fill'] as const)(
    'a %s that is never answered: one deadline, then the loader, once',
    async (operation) => {
      const { stratas, tiers, clock } = await pair();
      const cache = stratas[0].cache(versioned());
      const source = new Source();
      tiers[0].hold(operation);
      const reads = Promise.all(Array.from({ length: 10 }, () => cache.getOrSet('a', source.load)));
      await clock.advance(501);
      expect((await reads).every((value) => value?.v === 0)).toBe(true);
      expect(source.loads).toBe(1);
      tiers[0].release(operation);
      await clock.advance(3_000);
      expect(source.loads).toBe(1);
    },
  );

  it('bytes that mean nothing are a miss', async () => {
    const clock = new FakeClock();
    const l2 = sharedMemory();
    const { observer } = notices();
    const [one, other] = [engine({ clock, l2, observer }), engine({ clock, l2 })];
    const source = new Source();
    await one
      .cache(versioned({ serializer: { id: 5, serialize: () => Buffer.from('not for you'), deserialize: () => 1 } }))
      .getOrSet('a', source.load);
    await settle();
    expect((await other.cache(versioned()).getOrSet('a', source.load))?.v).toBe(0);
    expect(source.loads).toBe(2);
  });
});

it('a tier that is not there delays nothing but the first callers, and nobody when it is known to be away', async () => {
  const clock = new FakeClock();
  const tier = new ChaosTier(sharedMemory());
  const strata = engine({ clock, l2: tier });
  const cache = strata.cache(versioned());
  const source = new Source();
  tier.down();
  for (let index = 0; index < 20; index++) {
    expect((await cache.getOrSet(`k${index}`, source.load))?.v).toBe(0);
  }
  expect(strata.stats().breaker).toBe('open');
  expect(source.loads).toBe(20);
  const { read } = tier.calls;
  await cache.getOrSet('more', source.load);
  expect(tier.calls.read).toBe(read);
  tier.up();
  await clock.advance(2_000);
  expect(strata.stats().breaker).toBe('closed');
});

describe('the write hold', () => {
  it('stores nothing while the source changes', async () => {
    const { stratas } = await pair({ consistency: 'coherent' });
    const definition = versioned();
    const [here, there] = stratas.map((strata) => strata.cache(definition));
    const source = new Source();
    await here.getOrSet('a', source.load);
    await settle();
    await there.withHold(['a'], async () => {
      expect((await here.getOrSet('a', source.load))?.v).toBe(0);
      await settle();
      source.change('a');
      expect((await here.getOrSet('a', source.load))?.v).toBe(1);
      await settle();
      expect(await here.get('a')).toBeUndefined();
    });
    expect((await here.getOrSet('a', source.load))?.v).toBe(1);
  });
});
