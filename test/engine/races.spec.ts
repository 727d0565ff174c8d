import { afterEach, describe, expect, it } from '@jest/globals';
import { settle } from '@strata-cache/core/testing';
import { closeAll, Source, type Versioned, type VersionedCache } from './engine-kit.js';
import { failsWith } from './fails-with.js';
import { invalidations, topologies } from './race-stage.js';

afterEach(closeAll);

const tagSources: Record<string, (cache: VersionedCache, source: Source) => () => Promise<Versioned | null>> = {
  'tags from the value': (cache, source) => {
    source.tags = ['t'];
    return () => cache.getOrSet('a', source.load);
  },
  'tags from ctx.addTags after the load': (cache, source) => () =>
    cache.getOrSet('a', async (context, id) => {
      const value = await source.load(context, id);
      context.addTags(['t']);
      return value;
    }),
  'tags of the call': (cache, source) => () => cache.getOrSet('a', source.load, { tags: ['t'] }),
};

describe.each(Object.entries(topologies))('%s', (_topology, build) => {
  describe.each(Object.entries(invalidations))('overtaken by %s', (_name, invalidate) => {
    it.each(Object.entries(tagSources))(
      'a load is answered, but not stored, nor joined by later readers (%s)',
      async (_tags, reading) => {
        const stage = await build();
        const source = new Source();
        const read = reading(stage.here, source);
        const held = source.hold();
        const before = read();
        await held.arrived();
        source.change('a');
        await invalidate(stage, source);
        const after = read();
        await settle();
        held.open();
        expect((await before)?.v).toBe(0);
        expect((await after)?.v).toBe(1);
        await settle();
        expect((await read())?.v).toBe(1);
        expect((await stage.there.getOrSet('a', source.load))?.v).toBe(1);
      },
    );

    it('a background refresh that ends later leaves nothing behind', async () => {
      const stage = await build({ ttl: '10s', grace: '10m' });
      const source = new Source();
      source.tags = ['t'];
      await stage.here.getOrSet('a', source.load);
      await settle();
      await stage.clock.advance(11_000);
      const held = source.hold();
      expect((await stage.here.getOrSet('a', source.load))?.v).toBe(0);
      await held.arrived();
      source.change('a');
      await invalidate(stage, source);
      held.open();
      await settle();
      // Where the old value may be served as stale (expire), it is refreshed once more; nobody stored it as fresh.
      await stage.here.getOrSet('a', source.load);
      await settle();
      expect((await stage.here.getOrSet('a', source.load))?.v).toBe(1);
      expect((await stage.here.entry('a'))?.stale).toBe(false);
    });

    it('a refresh ahead that ends later leaves nothing behind', async () => {
      const stage = await build({ ttl: '10s', refreshAhead: 0.5, grace: '10m' });
      const source = new Source();
      source.tags = ['t'];
      await stage.here.getOrSet('a', source.load);
      await settle();
      await stage.clock.advance(6_000);
      const held = source.hold();
      expect((await stage.here.getOrSet('a', source.load))?.v).toBe(0);
      await settle();
      source.change('a');
      await invalidate(stage, source);
      held.open();
      await settle();
      await stage.here.getOrSet('a', source.load);
      await settle();
      expect((await stage.here.getOrSet('a', source.load))?.v).toBe(1);
    });

    it('a put that ends later stores nothing', async () => {
      const stage = await build();
      const source = new Source();
      source.tags = ['t'];
      const held = source.hold();
      const older = stage.here.put('a', () => source.load(undefined, 'a'));
      await held.arrived();
      source.change('a');
      await invalidate(stage, source);
      held.open();
      expect((await older).v).toBe(0);
      expect((await stage.here.getOrSet('a', source.load))?.v).toBe(1);
      expect((await stage.there.getOrSet('a', source.load))?.v).toBe(1);
    });
  });

  it('two puts that finish in the other order leave the newer value, or none', async () => {
    const stage = await build();
    const source = new Source();
    const held = source.hold();
    const first = stage.here.put('a', () => source.load(undefined, 'a'));
    await held.arrived();
    source.change('a');
    await stage.there.put('a', () => source.load(undefined, 'a'));
    held.open();
    await first;
    expect((await stage.here.getOrSet('a', source.load))?.v).toBe(1);
    expect((await stage.there.getOrSet('a', source.load))?.v).toBe(1);
  });

  it('a put overtaken while a load runs: neither stores the older value', async () => {
    const stage = await build();
    const source = new Source();
    const held = source.hold();
    const loading = stage.here.getOrSet('a', source.load);
    await held.arrived();
    source.change('a');
    await stage.there.put('a', () => source.load(undefined, 'a'));
    held.open();
    expect((await loading)?.v).toBe(0);
    expect((await stage.here.getOrSet('a', source.load))?.v).toBe(1);
    expect((await stage.there.getOrSet('a', source.load))?.v).toBe(1);
  });

  it('an older load does not write over what fromSource stored', async () => {
    const { here } = await build();
    const source = new Source();
    const held = source.hold();
    const older = here.getOrSet('a', source.load);
    await held.arrived();
    source.change('a');
    expect((await here.fromSource('a', source.load))?.v).toBe(1);
    held.open();
    expect((await older)?.v).toBe(0);
    await settle();
    expect((await here.getOrSet('a', source.load))?.v).toBe(1);
  });

  it('a reader after an invalidation does not get the error of an older load', async () => {
    const stage = await build();
    const source = new Source();
    source.tags = ['t'];
    const held = source.hold();
    source.error = new Error('old');
    const before = failsWith(stage.here.getOrSet('a', source.load), 'old');
    await held.arrived();
    source.error = undefined;
    source.change('a');
    await stage.thereStrata.invalidateTags(['t']);
    const after = stage.here.getOrSet('a', source.load);
    await settle();
    held.open();
    await before;
    expect((await after)?.v).toBe(1);
  });

  it('nor an unstored answer of one', async () => {
    const stage = await build();
    const source = new Source();
    const held = source.hold();
    const skipping = (): Promise<Versioned | null> =>
      stage.here.getOrSet('a', (context, id) => {
        context.skip();
        return source.load(context, id);
      });
    const before = skipping();
    await held.arrived();
    source.change('a');
    await stage.thereStrata.invalidateTags(['t']);
    const after = skipping();
    await settle();
    held.open();
    expect((await before)?.v).toBe(0);
    expect((await after)?.v).toBe(1);
  });

  it('a load that timed out stores nothing when it comes at last', async () => {
    const stage = await build({ hardTimeout: '1s' });
    const source = new Source();
    const held = source.hold();
    const late = failsWith(stage.here.getOrSet('a', source.load), {
      code: 'ERR_CACHE_LOAD_TIMEOUT',
    });
    await held.arrived();
    await stage.clock.advance(1_001);
    await late;
    source.change('a');
    expect((await stage.here.getOrSet('a', source.load))?.v).toBe(1);
    held.open();
    await settle();
    expect((await stage.here.getOrSet('a', source.load))?.v).toBe(1);
    expect(stage.here.stats().loads).toBe(2);
  });
});
