import { afterEach, describe, expect, it } from '@jest/globals';
import { defineCache, memoryTier } from '@strata-cache/core';
import { gate, settle, sharedMemory } from '@strata-cache/core/testing';
import { TagLedger } from '../../libs/core/src/coherence/tag-ledger.js';
import { closeAll, engine, notices, Source, versioned } from './engine-kit.js';

afterEach(closeAll);

const texts = (options: object = {}) =>
  defineCache<[id: string], string>({ name: 'texts', version: 1, owner: 'T', key: (id) => id, ttl: '1m', ...options });

describe.each([
  ['in process', () => engine()],
  ['over a second tier', () => engine({ l2: sharedMemory() })],
] as const)('loads %s', (_name, open) => {
  it('1,000 concurrent callers of a cold key: one load', async () => {
    const cache = open().cache(versioned());
    const source = new Source();
    const held = source.hold();
    const reads = Promise.all(Array.from({ length: 1_000 }, () => cache.getOrSet('a', source.load)));
    await held.arrived();
    held.open();
    expect(new Set(await reads).size).toBe(1);
    expect(source.loads).toBe(1);
    expect(cache.stats()).toMatchObject({ loads: 1, joined: 999, misses: 1 });
  });

  it('10,000 cold keys: never more than maxConcurrentLoads at once, and all are answered', async () => {
    const cache = open().cache(versioned({ maxConcurrentLoads: 7 }));
    const source = new Source();
    const keys = Array.from({ length: 10_000 }, (_, index) => `k${index}`);
    const values = await Promise.all(
      keys.map((key) =>
        cache.getOrSet(key, async (context, id) => {
          const value = await source.load(context, id);
          await Promise.resolve();
          return value;
        }),
      ),
    );
    expect(values.every((value, index) => value?.id === keys[index])).toBe(true);
    expect(source.mostRunning).toBe(7);
  });

  it('a failing or refused load gives its place back', async () => {
    const cache = open().cache(versioned({ maxConcurrentLoads: 1 }));
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, index) =>
        cache.getOrSet(`k${index}`, () => (index % 2 ? Promise.reject(new Error('no')) : null)),
      ),
    );
    expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(10);
  });

  it('a batch inside a load of the same cache, with one place', async () => {
    const cache = open().cache(texts({ maxConcurrentLoads: 1 }));
    const value = await cache.getOrSet('a', async () => {
      const parts = await cache.getOrSetMany(['b', 'c'], (_context, missing) => missing.map(([id]) => id));
      return parts.join('');
    });
    expect(value).toBe('bc');
  });
});

describe('values', () => {
  it('larger than maxValueBytes are answered, not stored, with one notice', async () => {
    const { seen, observer } = notices();
    const cache = engine({ observer }).cache(texts({ maxValueBytes: '1kb' }));
    const large = 'x'.repeat(2_000);
    let loads = 0;
    for (let index = 0; index < 3; index++) {
      expect(await cache.getOrSet('a', () => (loads++, large))).toBe(large);
    }
    expect(loads).toBe(3);
    expect(cache.stats().refused).toBe(3);
    expect(seen).toHaveLength(1);
    expect(seen[0]).toMatchObject({ name: 'value.refused', cache: 'texts' });
    expect(seen[0].message).toMatch(/larger than 1024 bytes/);
    await expect(cache.set('a', large)).rejects.toMatchObject({ code: 'ERR_CACHE_SERIALIZATION', path: '$' });
  });

  it('L1 keeps to its entries and bytes, and counts what had to leave', async () => {
    const strata = engine({ l1: memoryTier({ maxEntries: 100, maxBytes: '10kb' }) });
    const cache = strata.cache(texts());
    for (let index = 0; index < 1_000; index++) {
      await cache.set(`k${index}`, 'v'.repeat(50));
      expect(strata.stats().l1Entries).toBeLessThanOrEqual(100);
      expect(strata.stats().l1Bytes).toBeLessThanOrEqual(10_240);
    }
    expect(cache.stats().evictions).toBe(1_000 - strata.stats().l1Entries);
  });
});

describe('tags', () => {
  const tags = (count: number): string[] => Array.from({ length: count }, (_, index) => `t${index}`);

  it('32 fit an entry; more: a set is refused, a load is answered unstored', async () => {
    const { seen, observer } = notices();
    const cache = engine({ observer }).cache(versioned({ tags: (value) => value?.tags ?? [] }));
    await cache.set('a', { id: 'a', v: 1, tags: tags(32) });
    expect((await cache.entry('a'))?.tags).toHaveLength(32);
    await expect(cache.set('a', { id: 'a', v: 1, tags: tags(33) })).rejects.toMatchObject({ code: 'ERR_CACHE_KEY' });
    expect((await cache.getOrSet('b', () => ({ id: 'b', v: 1, tags: tags(33) })))?.v).toBe(1);
    expect(cache.peek('b')).toBeUndefined();
    expect(seen[0].message).toMatch(/33 tags; at most 32/);
  });

  it('the same tag twice counts once', async () => {
    const cache = engine().cache(versioned({ tags: ['a', 'a'] }));
    await cache.getOrSet('a', () => ({ id: 'a', v: 1 }), { tags: ['a', 'b'] });
    expect((await cache.entry('a'))?.tags).toEqual(['a', 'b']);
  });

  it.each([[''], ['x'.repeat(257)], ['@reserved'], ['a\r\nb'], ['\u0000'], ['\ud800'], [5 as never]])(
    '%j is refused',
    async (tag) => {
      const strata = engine();
      await expect(strata.invalidateTags([tag])).rejects.toMatchObject({ code: 'ERR_CACHE_KEY' });
      await expect(strata.cache(versioned()).getOrSet('a', () => null, { tags: [tag] })).rejects.toMatchObject({
        code: 'ERR_CACHE_KEY',
      });
    },
  );

  it('the ledger forgets the oldest beyond its limit, and then errs to the safe side', () => {
    const ledger = new TagLedger(1, 8);
    ledger.invalidateTags(['old'], 'delete');
    const loaded = ledger.sequence;
    expect(ledger.judge(loaded, 0, [], ['mine'])).toBe('valid');
    for (let index = 0; index < 9; index++) {
      ledger.invalidateTags([`t${index}`], 'delete');
    }
    // `mine` was never invalidated, but what is older than the forgotten stamps can no longer be told apart.
    expect(ledger.judge(loaded, 0, [], ['mine'])).toBe('gone');
    expect(ledger.judge(loaded, 0, [], ['t3'])).toBe('gone');
    expect(ledger.judge(ledger.sequence, 0, [], ['t8'])).toBe('valid');
    const later = ledger.sequence;
    for (let index = 0; index < 9; index++) {
      ledger.invalidateTags([`s${index}`], 'expire');
    }
    expect(ledger.judge(later, 0, [], ['mine'])).toBe('stale');
  });

  it('100,000 tags invalidated leave an untouched entry alone, the sequence is all it costs', async () => {
    const strata = engine();
    const cache = strata.cache(versioned());
    await cache.set('a', { id: 'a', v: 1 });
    for (let batch = 0; batch < 3_125; batch++) {
      await strata.invalidateTags(Array.from({ length: 32 }, (_, index) => `t${batch}.${index}`));
    }
    expect(cache.peek('a')?.v).toBe(1);
    expect((await cache.entry('a'))?.stale).toBe(false);
  });
});

describe('keys', () => {
  it.each([[undefined], [{}], [Symbol('x')], [Number.NaN], [Infinity], [() => 1], [new Date()], [10n]])(
    '%p is refused by name',
    async (part) => {
      const cache = engine().cache(versioned());
      const refused = { code: 'ERR_CACHE_KEY', message: expect.stringContaining('versioned') };
      await expect(cache.getOrSet(part as never, () => null)).rejects.toMatchObject(refused);
      await expect(cache.get(part as never)).rejects.toMatchObject(refused);
      await expect(cache.delete(part as never)).rejects.toMatchObject(refused);
      await expect(cache.set(part as never, null)).rejects.toMatchObject(refused);
      expect(() => cache.peek(part as never)).toThrow(/versioned/);
    },
  );

  it('1 never meets "1", a tuple never its joined text, a missing tenant throws', async () => {
    const strata = engine();
    const cache = strata.cache(
      defineCache<[...part: (string | number | boolean | null)[]], string>({
        name: 'parts',
        version: 1,
        owner: 'T',
        key: (...parts) => parts,
        ttl: '1m',
      }),
    );
    const keys = [[1], ['1'], ['a:b', 'c'], ['a', 'b:c'], ['a', 'b', 'c'], [true], ['true'], [null], ['null'], []];
    for (const key of keys) {
      await cache.set(key as never, JSON.stringify(key));
    }
    for (const key of keys) {
      expect(await cache.get(...(key as never[]))).toBe(JSON.stringify(key));
    }
    let tenant: string | undefined = 'one';
    const own = strata.cache(
      defineCache<[id: string], string>({
        name: 'own',
        version: 1,
        owner: 'T',
        key: (id) => id,
        ttl: '1m',
        tenant: () => tenant,
      }),
    );
    await own.set('a', 'of one');
    tenant = 'other';
    expect(await own.get('a')).toBeUndefined();
    await own.set('a', 'of the other');
    await strata.clearTenant('one');
    expect(await own.get('a')).toBe('of the other');
    tenant = 'one';
    expect(await own.get('a')).toBeUndefined();
    tenant = undefined;
    await expect(own.get('a')).rejects.toMatchObject({ code: 'ERR_CACHE_KEY' });
  });

  it('a version bump starts anew', async () => {
    const l2 = sharedMemory();
    const [old, next] = [engine({ l2 }).cache(versioned()), engine({ l2 }).cache(versioned({ version: 2 }))];
    await old.set('a', { id: 'a', v: 1 });
    expect(await next.get('a')).toBeUndefined();
    expect((await old.get('a'))?.v).toBe(1);
  });
});

it('nothing is left behind by 5,000 loads', async () => {
  const strata = engine({ l1: memoryTier({ maxEntries: 100 }) });
  const cache = strata.cache(versioned());
  const held = gate();
  held.open();
  for (let index = 0; index < 5_000; index++) {
    await cache.getOrSet(`k${index}`, () => null);
  }
  await settle();
  expect(strata.stats()).toMatchObject({ inFlight: 0, l1Entries: 100 });
});
