import { memoryBus, type CacheDefinitionOptions, type Strata } from '@strata-cache/core';
import { FakeClock, settle, sharedMemory } from '@strata-cache/core/testing';
import { engine, versioned, type Source, type Versioned, type VersionedCache } from './engine-kit.js';

export type Options = Partial<CacheDefinitionOptions<[id: string], Versioned | null>>;

export interface Stage {
  /** Reads. */
  readonly here: VersionedCache;
  readonly strata: Strata;
  /** Invalidates: the same instance, or another one. */
  readonly there: VersionedCache;
  readonly thereStrata: Strata;
  readonly clock: FakeClock;
}

export type Build = (options?: Options) => Promise<Stage>;

/** Where the reader and the invalidator are. */
export const topologies: Record<string, Build> = {
  'in process': async (options) => {
    const clock = new FakeClock();
    const strata = engine({ clock });
    const cache = strata.cache(versioned(options));
    return { here: cache, strata, there: cache, thereStrata: strata, clock };
  },
  'two instances on a bus': async (options) => {
    const clock = new FakeClock();
    const bus = memoryBus();
    const [strata, thereStrata] = [engine({ clock, bus }), engine({ clock, bus })];
    await settle();
    const definition = versioned(options);
    return { here: strata.cache(definition), strata, there: thereStrata.cache(definition), thereStrata, clock };
  },
  'one instance over a second tier': async (options) => {
    const clock = new FakeClock();
    const strata = engine({ clock, l2: sharedMemory() });
    await settle();
    const cache = strata.cache(versioned(options));
    return { here: cache, strata, there: cache, thereStrata: strata, clock };
  },
  'two instances over a second tier': async (options) => {
    const clock = new FakeClock();
    const l2 = sharedMemory();
    const [strata, thereStrata] = [engine({ clock, l2 }), engine({ clock, l2 })];
    await settle();
    const definition = versioned(options);
    return { here: strata.cache(definition), strata, there: thereStrata.cache(definition), thereStrata, clock };
  },
  'two coherent instances over a second tier': async (options) => {
    const clock = new FakeClock();
    const l2 = sharedMemory();
    const make = (): Strata => engine({ clock, l2, consistency: 'coherent' });
    const [strata, thereStrata] = [make(), make()];
    await settle();
    const definition = versioned(options);
    return { here: strata.cache(definition), strata, there: thereStrata.cache(definition), thereStrata, clock };
  },
};

/** Every way to say that the value of `a` (tagged `t`) has changed. */
export const invalidations: Record<string, (stage: Stage, source: Source) => Promise<unknown>> = {
  'delete of the key': ({ there }) => there.delete('a'),
  deleteMany: ({ there }) => there.deleteMany(['a', 'b']),
  'delete of a tag': ({ thereStrata }) => thereStrata.invalidateTags(['t']),
  'clear of the cache': ({ there }) => there.clear(),
  'clear of the namespace': ({ thereStrata }) => thereStrata.clear(),
  'expire of the key': ({ there }) => there.expire('a'),
  'expire of a tag': ({ thereStrata }) => thereStrata.invalidateTags(['t'], { mode: 'expire' }),
  'expire of the cache': ({ there }) => there.clear({ mode: 'expire' }),
  'expire of the namespace': ({ thereStrata }) => thereStrata.clear({ mode: 'expire' }),
  set: ({ there }, source) => there.set('a', { id: 'a', v: source.version('a'), tags: ['t'] }),
  put: ({ there }, source) => there.put('a', () => Promise.resolve({ id: 'a', v: source.version('a'), tags: ['t'] })),
};
