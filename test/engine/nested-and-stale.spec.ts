import { afterEach, describe, expect, it } from '@jest/globals';
import { defineCache, type Cache } from '@strata-cache/core';
import { gate, settle } from '@strata-cache/core/testing';
import { closeAll, Source } from './engine-kit.js';
import { failsWith } from './fails-with.js';
import { invalidations, topologies, type Options, type Stage } from './race-stage.js';

afterEach(closeAll);

describe.each(Object.entries(topologies))('%s', (_topology, build) => {
  describe.each(['delete of the key', 'delete of a tag', 'clear of the cache', 'clear of the namespace'])(
    'a %s beats grace',
    (name) => {
      const stale = async (options: Options): Promise<{ stage: Stage; source: Source }> => {
        const stage = await build({ ttl: '10s', grace: '10m', ...options });
        const source = new Source();
        source.tags = ['t'];
        await stage.here.getOrSet('a', source.load);
        await settle();
        await stage.clock.advance(11_000);
        return { stage, source };
      };

      it('before the read', async () => {
        const { stage, source } = await stale({});
        await invalidations[name](stage, source);
        source.error = new Error('down');
        await expect(stage.here.getOrSet('a', source.load)).rejects.toThrow('down');
        expect(await stage.here.get('a')).toBeUndefined();
        expect(await stage.here.entry('a')).toBeUndefined();
      });

      it('while the load is awaited up to softTimeout', async () => {
        const { stage, source } = await stale({ softTimeout: '200ms' });
        const held = source.hold();
        const reading = stage.here.getOrSet('a', source.load);
        await held.arrived();
        await invalidations[name](stage, source);
        await stage.clock.advance(1_000);
        let answered = false;
        void reading.then(() => (answered = true));
        await settle();
        expect(answered).toBe(false);
        held.open();
        await reading;
      });

      it('while the load is failing', async () => {
        const { stage, source } = await stale({ softTimeout: '30s' });
        const held = source.hold();
        source.error = new Error('down');
        const reading = failsWith(stage.here.getOrSet('a', source.load), 'down');
        await held.arrived();
        await invalidations[name](stage, source);
        held.open();
        await reading;
      });

      it('for whoever comes after a stale answer whose refresh goes on', async () => {
        const { stage, source } = await stale({ softTimeout: '200ms' });
        const held = source.hold();
        const reading = stage.here.getOrSet('a', source.load);
        await held.arrived();
        await stage.clock.advance(201);
        expect((await reading)?.v).toBe(0);
        source.change('a');
        await invalidations[name](stage, source);
        const after = stage.here.getOrSet('a', source.load);
        await settle();
        await stage.clock.advance(1_000);
        held.open();
        expect((await after)?.v).toBe(1);
      });
    },
  );

  describe('nested loads end', () => {
    const numbers = defineCache<[id: string], number>({
      name: 'numbers',
      version: 1,
      owner: 'T',
      key: (id) => id,
      ttl: '1m',
      maxConcurrentLoads: 1,
    });
    const others = defineCache<[id: string], number>({
      name: 'others',
      version: 1,
      owner: 'T',
      key: (id) => id,
      ttl: '1m',
      maxConcurrentLoads: 1,
    });

    it('a load that reads its own key', async () => {
      const { strata } = await build();
      const cache = strata.cache(numbers);
      expect(await cache.getOrSet('a', () => cache.getOrSet('a', () => 7))).toBe(7);
    });

    it('A -> B -> A, with one place for loads', async () => {
      const { strata } = await build();
      const cache = strata.cache(numbers);
      const value = await cache.getOrSet('a', () => cache.getOrSet('b', () => cache.getOrSet('a', () => 7)));
      expect(value).toBe(7);
    });

    // 1 A loads and waits for the gate, 2 C's loader reads A and joins it, 3 A goes on: its loader reads B, whose loader, started in the
    // same breath, reads C. C waits for A, A for B: B must not wait for C.
    it('a circle that closes before the read that closes it has returned', async () => {
      const { strata } = await build();
      const cache = strata.cache(numbers);
      const held = gate();
      const a = cache.getOrSet('a', async () => {
        await held.pass();
        return cache.getOrSet('b', () => strata.cache(others).getOrSet('c', () => 7));
      });
      await held.arrived();
      const c = strata.cache(others).getOrSet('c', () => cache.getOrSet('a', () => 8));
      await settle();
      held.open();
      expect(await Promise.all([a, c])).toEqual([7, 7]);
    });

    it('two callers crosswise, A -> B and B -> A', async () => {
      const { strata } = await build();
      const cache = strata.cache(
        defineCache<[id: string], number>({ name: 'wide', version: 1, owner: 'T', key: (id) => id, ttl: '1m' }),
      );
      const source = new Source();
      const gates = [source.hold(), source.hold()];
      const crosswise = (own: string, other: string): Promise<number> =>
        cache.getOrSet(own, async () => {
          await source.load(undefined, own);
          return cache.getOrSet(other, () => 1);
        });
      const both = [crosswise('a', 'b'), crosswise('b', 'a')];
      await Promise.all(gates.map((held) => held.arrived()));
      gates.forEach((held) => held.open());
      expect(await Promise.all(both)).toEqual([1, 1]);
    });

    it('crosswise through two caches with one place each', async () => {
      const { strata } = await build();
      const [one, other] = [strata.cache(numbers), strata.cache(others)];
      const source = new Source();
      const gates = [source.hold(), source.hold()];
      const crosswise = (from: Cache<[string], number>, to: Cache<[string], number>): Promise<number> =>
        from.getOrSet('x', async () => {
          await source.load(undefined, 'x');
          return to.getOrSet('y', () => 1);
        });
      const both = [crosswise(one, other), crosswise(other, one)];
      await Promise.all(gates.map((held) => held.arrived()));
      gates.forEach((held) => held.open());
      expect(await Promise.all(both)).toEqual([1, 1]);
    });

    it('what a loader started does not stay inside its load', async () => {
      const { strata } = await build();
      const cache = strata.cache(numbers);
      let later: Promise<number> | undefined;
      const source = new Source();
      const held = source.hold();
      await cache.getOrSet('a', () => {
        later = held.pass().then(() => cache.getOrSet('a', () => 8));
        return 7;
      });
      held.open();
      expect(await later).toBe(7);
    });
  });
});
