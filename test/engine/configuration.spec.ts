import { afterEach, describe, expect, it } from '@jest/globals';
import { CacheConfigError, createStrata, defineCache, jsonSerializer, memoryBus, memoryTier } from '@strata-cache/core';
import { FakeClock, settle, sharedMemory } from '@strata-cache/core/testing';
import { closeAll, engine, Source, versioned } from './engine-kit.js';
import { failsWith } from './fails-with.js';

afterEach(closeAll);

const good = { name: 'c', version: 1, owner: 'T', ttl: '1m' } as const;
const define = (options: object): unknown => defineCache<[], string>({ ...good, ...options } as never);

function refused(run: () => unknown, ...expected: (string | RegExp)[]): void {
  let thrown: unknown;
  try {
    run();
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(CacheConfigError);
  for (const part of expected) {
    expect((thrown as Error).message).toMatch(part);
  }
}

describe('defineCache refuses', () => {
  it.each([
    [{ ttl: -1 }, /ttl.*>= 0/],
    [{ ttl: '-5m' }, /ttl/],
    [{ ttl: 60 }, /ttl.*60 means 60 ms; write '60s' or '60ms'/],
    [{ ttl: 0 }, /ttl/],
    [{ ttl: Number.NaN }, /ttl/],
    [{ ttl: '1 m' }, /ttl.*'5m'/],
    [{ ttl: '0x1s' }, /ttl/],
    [{ ttl: undefined }, /ttl is required/],
    [{ name: undefined }, /name is required/],
    [{ name: 'a:b' }, /name/],
    [{ name: '' }, /name/],
    [{ version: undefined }, /version is required/],
    [{ version: 0 }, /version/],
    [{ version: 1.5 }, /version/],
    [{ owner: undefined }, /owner is required/],
    [{ owner: ' ' }, /owner/],
    [{ grace: -1 }, /grace/],
    [{ grace: 5 }, /grace.*5 means 5 ms/],
    [{ negativeTtl: 0 }, /negativeTtl/],
    [{ refreshAhead: 1.5 }, /refreshAhead.*0 to 1/],
    [{ refreshAhead: -0.1 }, /refreshAhead.*0 to 1/],
    [{ jitter: 2 }, /jitter.*0 to 1/],
    [{ jitter: '10%' }, /jitter/],
    [{ softTimeout: 0 }, /softTimeout/],
    [{ hardTimeout: -1 }, /hardTimeout/],
    [{ maxConcurrentLoads: 0 }, /maxConcurrentLoads/],
    [{ maxConcurrentLoads: 2.5 }, /maxConcurrentLoads/],
    [{ maxValueBytes: 0 }, /maxValueBytes/],
    [{ maxValueBytes: '1 mb' }, /maxValueBytes/],
    [{ compressAbove: -1 }, /compressAbove/],
    [{ consistency: 'strong' }, /consistency.*'bounded' or 'coherent'/],
    [{ isolation: 'deep' }, /isolation.*'shared' or 'frozen' or 'cloned'/],
    [{ key: 'id' }, /key.*function/],
    [{ load: 1 }, /load.*function/],
    [{ tenant: 'x' }, /tenant.*function/],
    [{ hydrate: { hydrate: String } }, /hydrate.*hydrateAs\(TheClass\)/],
    [{ serializer: {} }, /serializer.*jsonSerializer\(\)/],
    [{ serializer: { ...jsonSerializer(), id: 16 } }, /serializer.id.*1 to 15/],
    [{ timeToLive: '5m' }, /unknown option "timeToLive".*ttl/],
    [{ sliding: true }, /unknown option "sliding"/],
  ])('%j', (options, message) => refused(() => define(options), message, 'defineCache'));

  it('tags that cannot be tags', () => {
    expect(() => define({ tags: ['@x'] })).toThrow(/tag/);
    expect(() => define({ tags: 'x' })).toThrow(/tags must be an array/);
  });

  it('anything but an object', () => {
    refused(() => defineCache(undefined as never), /options object/);
    refused(() => defineCache([] as never), /options object/);
  });
});

describe('createStrata refuses', () => {
  it.each([
    [{ maxStaleness: '1s', heartbeat: '1s' }, /maxStaleness.*two heartbeats/],
    [{ maxStaleness: '1500ms' }, /maxStaleness.*two heartbeats/],
    [{ maxStaleness: 5 }, /maxStaleness/],
    [{ heartbeat: 0 }, /heartbeat/],
    [{ namespace: '' }, /namespace/],
    [{ namespace: 'a{b}' }, /namespace/],
    [{ consistency: 'eventual' }, /consistency/],
    [{ whenDisconnected: 'panic' }, /whenDisconnected.*'bypass' or 'serve'/],
    [{ strict: 'yes' }, /strict/],
    [{ l1: { find: () => 1 } }, /l1.*recipe/],
    [{ l2: {} }, /l2.*recipe/],
    [{ bus: {} }, /bus.*recipe/],
    [{ locks: {} }, /locks.*recipe/],
    [{ clock: { now: Date.now } }, /clock.*systemClock/],
    [{ ttl: '5m' }, /unknown option "ttl"/],
    [{ defaults: { ttl: 60 } }, /defaults: ttl.*60 means 60 ms/],
    [{ defaults: { name: 'x' } }, /defaults: unknown option "name"/],
    [{ defaults: { jitter: 3 } }, /defaults: jitter/],
  ])('%j', (options, message) => refused(() => createStrata(options as never), message, 'createStrata'));

  it('a bus beside a second tier', () =>
    refused(() => createStrata({ bus: memoryBus(), l2: sharedMemory() }), /bus and l2/));

  it('limits of memoryTier', () => {
    refused(() => memoryTier({ maxEntries: 0 }), /maxEntries/);
    refused(() => memoryTier({ maxBytes: '1 kb' as never }), /maxBytes/);
  });

  it('but takes bounds of some hundred ms as bare numbers', async () => {
    await createStrata({ maxStaleness: 600, heartbeat: 250 }).close();
  });
});

describe('strata.cache refuses', () => {
  it('two definitions with one name, naming both owners', () => {
    const strata = engine();
    const one = versioned({ owner: 'Ann' });
    strata.cache(one);
    expect(strata.cache(one)).toBe(strata.cache(one));
    refused(() => strata.cache(versioned({ owner: 'Ben' })), /"versioned".*two definitions.*Ann.*Ben/);
  });

  it('what defineCache has not made', () => {
    refused(() => engine().cache({ ...good } as never), /make it with defineCache/);
  });
});

describe('a call refuses', () => {
  it.each([
    [{ ttl: 60 }, /ttl/],
    [{ grace: -1 }, /grace/],
    [{ negativeTtl: 'x' }, /negativeTtl/],
    [{ softTimeout: 0 }, /softTimeout/],
    [{ hardTimeout: '0s' }, /hardTimeout/],
    [{ consistency: 'x' }, /consistency/],
    [{ tiers: [] }, /tiers/],
    [{ tiers: ['l3'] }, /tiers.*'l1' and 'l2'/],
    [{ forceRefresh: 1 }, /forceRefresh/],
    [{ signal: true }, /signal/],
    [{ signal: new AbortController() }, /signal.*AbortSignal/],
    [{ jitter: 0.5 }, /unknown option "jitter"/],
    [{ key: 'x' }, /unknown option "key"/],
  ])('%j, before loading', async (options, message) => {
    const cache = engine().cache(versioned());
    const source = new Source();
    const call = cache.getOrSet('a', source.load, options as never);
    await expect(call).rejects.toBeInstanceOf(CacheConfigError);
    await expect(call).rejects.toThrow(message);
    expect(source.loads).toBe(0);
    expect(() => cache.with(options as never)).toThrow(message);
  });

  it('unknown write and invalidation options', async () => {
    const strata = engine();
    const cache = strata.cache(versioned());
    await expect(cache.set('a', null, { grace: '1m' } as never)).rejects.toThrow(/unknown option "grace"/);
    await expect(cache.set('a', null, { version: -1 })).rejects.toThrow(/version/);
    await expect(cache.clear({ mode: 'soft' as never })).rejects.toThrow(/mode.*'delete' or 'expire'/);
    await expect(strata.invalidateTags(['t'], { mode: 'soft' as never })).rejects.toThrow(/mode/);
    await expect(strata.clear({ how: 1 } as never)).rejects.toThrow(/unknown option "how"/);
  });
});

describe('each call option', () => {
  const span = async (options: object): Promise<{ fresh: number; stale: number }> => {
    const cache = engine({ clock: new FakeClock() }).cache(versioned({ ttl: '1m' }));
    await cache.getOrSet('a', new Source().load, options as never);
    const entry = await cache.entry('a');
    return { fresh: entry!.staleAt - entry!.createdAt, stale: entry!.goneAt - entry!.staleAt };
  };

  it('ttl and grace', async () => {
    expect(await span({})).toEqual({ fresh: 60_000, stale: 0 });
    expect(await span({ ttl: '5s' })).toEqual({ fresh: 5_000, stale: 0 });
    expect(await span({ grace: '7s' })).toEqual({ fresh: 60_000, stale: 7_000 });
  });

  it('negativeTtl', async () => {
    const clock = new FakeClock();
    const cache = engine({ clock }).cache(versioned());
    let loads = 0;
    const read = (): Promise<unknown> => cache.getOrSet('a', () => (loads++, undefined), { negativeTtl: '5s' });
    await read();
    await read();
    await clock.advance(5_001);
    await read();
    expect(loads).toBe(2);
  });

  it('tags', async () => {
    const strata = engine();
    const cache = strata.cache(versioned());
    const source = new Source();
    await cache.getOrSet('a', source.load, { tags: ['mine'] });
    await strata.invalidateTags(['mine']);
    expect(cache.peek('a')).toBeUndefined();
  });

  it('softTimeout and hardTimeout', async () => {
    const clock = new FakeClock();
    const cache = engine({ clock }).cache(versioned({ ttl: '1s', grace: '1h' }));
    const source = new Source();
    await cache.getOrSet('a', source.load);
    await clock.advance(1_001);
    source.change('a');
    const held = source.hold();
    const soft = cache.getOrSet('a', source.load, { softTimeout: '100ms' });
    await held.arrived();
    await clock.advance(101);
    expect((await soft)?.v).toBe(0);
    const other = source.hold();
    const hard = failsWith(cache.getOrSet('b', source.load, { hardTimeout: '100ms' }), {
      code: 'ERR_CACHE_LOAD_TIMEOUT',
    });
    await clock.advance(101);
    await hard;
    held.open();
    other.open();
  });

  it('tiers', async () => {
    const l2 = sharedMemory();
    const [cache, other] = [engine({ l2 }), engine({ l2 })].map((strata) => strata.cache(versioned()));
    const source = new Source();
    await settle();
    await cache.getOrSet('a', source.load, { tiers: ['l1'] });
    expect(l2.size).toBe(0);
    expect(cache.peek('a')).toBeDefined();
    await cache.getOrSet('b', source.load, { tiers: ['l2'] });
    await settle();
    expect(l2.size).toBe(1);
    expect(cache.peek('b')).toBeUndefined();
    expect(await other.with({ tiers: ['l1'] }).get('b')).toBeUndefined();
    expect((await other.get('b'))?.v).toBe(0);
  });

  it('forceRefresh loads though a fresh entry exists, and stores', async () => {
    const cache = engine().cache(versioned());
    const source = new Source();
    await cache.getOrSet('a', source.load);
    source.change('a');
    expect((await cache.getOrSet('a', source.load, { forceRefresh: true }))?.v).toBe(1);
    expect(cache.peek('a')?.v).toBe(1);
  });

  it('with() carries options to the forms that spread the key, on the same entries', async () => {
    const source = new Source();
    const cache = engine().cache(versioned({ load: source.load }));
    const forced = cache.with({ forceRefresh: true });
    await cache.get('a');
    await forced.get('a');
    expect(source.loads).toBe(2);
    expect(forced.stats()).toEqual(cache.stats());
    expect(forced.name).toBe(cache.name);
    await forced.with({ ttl: '5s' }).delete('a');
    expect(cache.peek('a')).toBeUndefined();
  });

  it('with() says what a later with() or a call does not', async () => {
    const source = new Source();
    const cache = engine().cache(versioned({ load: source.load }));
    await cache.get('a');
    const forced = cache.with({ forceRefresh: true });
    await forced.with({ ttl: '5s' }).get('a');
    await forced.getOrSet('a', source.load, { ttl: '5s' });
    await cache.with({ tiers: ['l2'] }).getOrSet('a', source.load, { ttl: '5s' });
    expect(source.loads).toBe(4);
    await forced.getOrSet('a', source.load, { forceRefresh: false });
    expect(source.loads).toBe(4);
    const left = cache.with({ signal: AbortSignal.abort(new Error('left')) });
    await expect(left.fromSource('a', source.load)).rejects.toThrow('left');
    expect(source.loads).toBe(4);
  });
});
