import { afterEach, describe, expect, it } from '@jest/globals';
import {
  applyEvent,
  createStrata,
  defineCache,
  eventNames,
  MAX_EVENT_KEYS,
  MAX_EVENT_TAGS,
  type Cache,
  type Strata,
} from '@strata-cache/core';
import { ChaosTier, FakeClock, sharedMemory } from '@strata-cache/core/testing';

type Mapper = (payload: any) => any;

const base = { version: 1, owner: 'Test', ttl: '1h' } as const;
const listCache = defineCache<[name: string], string>({
  ...base,
  name: 'list',
  key: (name) => name,
  tags: (_value, name) => [`tag:${name}`],
});

let strata!: Strata;
afterEach(async () => strata?.close());

/** A cache that holds '1', '2' and '3', and one whose entries carry the tags `tag:0` to `tag:99`. */
async function start(mapper: Mapper, options: object = {}): Promise<Cache<[id: string], string>> {
  strata = createStrata({ namespace: 'test', clock: new FakeClock(), defaults: { jitter: 0 }, ...options });
  const definition = defineCache<[id: string], string>({
    ...base,
    name: 'item',
    key: (id) => id,
    invalidatedBy: { changed: mapper },
  });
  const cache = strata.cache(definition);
  for (const id of ['1', '2', '3']) await cache.set(id, `value ${id}`);
  for (let index = 0; index < 100; index++) await strata.cache(listCache).set(String(index), 'list');
  return cache;
}

const apply = (cache: Cache<[id: string], string>, payload: unknown = {}): ReturnType<typeof applyEvent> =>
  applyEvent(strata, [cache.definition], 'changed', payload);
const held = (cache: Cache<[id: string], string>): string => ['1', '2', '3'].filter((id) => cache.peek(id)).join('');

describe('defineCache refuses invalidatedBy', () => {
  it.each([
    [[], /expected \{ 'event.name'/],
    ['changed', /expected \{ 'event.name'/],
    [{ changed: true }, /"changed": expected \(payload\) =>/],
    [{ 'a b': () => ({}) }, /expected an event name/],
    [{ 'a.*': () => ({}) }, /expected an event name/],
    [{ '#': () => ({}) }, /expected an event name/],
    [{ 'a.>': () => ({}) }, /expected an event name/],
    [{ [`a${'b'.repeat(200)}`]: () => ({}) }, /expected an event name/],
  ])('%j', (invalidatedBy, message) => {
    expect(() => defineCache<[], string>({ ...base, name: 'x', invalidatedBy: invalidatedBy as never })).toThrow(
      message,
    );
  });

  it('and an expectedHitRatio outside 0 to 1', () => {
    expect(() => defineCache<[], string>({ ...base, name: 'x', expectedHitRatio: 1.1 })).toThrow(/expectedHitRatio/);
    expect(defineCache<[], string>({ ...base, name: 'x', expectedHitRatio: 0.8 }).expectedHitRatio).toBe(0.8);
  });
});

describe('applyEvent', () => {
  it('clears keys, tags of any cache, or the whole cache; twice is as good as once', async () => {
    const cache = await start(({ keys, tags, allEntries }) => ({ keys, tags, allEntries }));
    for (const _ of [1, 2]) {
      expect(await apply(cache, { keys: ['1'], tags: ['tag:7'] })).toEqual({
        caches: 1,
        acknowledged: true,
        failures: [],
      });
      expect([held(cache), strata.cache(listCache).peek('7'), strata.cache(listCache).peek('8')]).toEqual([
        '23',
        undefined,
        'list',
      ]);
    }
    await apply(cache, { allEntries: true });
    expect(held(cache)).toBe('');
    expect(eventNames([cache.definition, listCache, cache.definition])).toEqual(['changed']);
  });

  it('expires with mode expire', async () => {
    const cache = await start(() => ({ keys: ['1'], mode: 'expire' }));
    await apply(cache);
    expect(held(cache)).toBe('23');
  });

  it('does nothing for undefined, null, an unknown event and a name of Object.prototype', async () => {
    const cache = await start((payload) => payload.result);
    expect(await apply(cache, { result: undefined })).toMatchObject({ failures: [] });
    expect(await apply(cache, { result: null })).toMatchObject({ failures: [] });
    for (const name of ['unknown', 'toString', '__proto__', 'constructor']) {
      expect(await applyEvent(strata, [cache.definition], name, {})).toEqual({
        caches: 0,
        acknowledged: true,
        failures: [],
      });
    }
    expect(held(cache)).toBe('123');
  });

  it('applies what it can of a result that holds bad keys and tags', async () => {
    const cache = await start(() => ({
      keys: ['1', { evil: 1 }, '3', Symbol('x'), NaN],
      tags: ['tag:1', '', '@cache:item', 7, 'tag:2'],
    }));
    const { failures, acknowledged } = await apply(cache);
    expect(held(cache)).toBe('2');
    expect(['1', '2', '3'].map((name) => strata.cache(listCache).peek(name))).toEqual([undefined, undefined, 'list']);
    expect(acknowledged).toBe(true);
    expect(failures.map(({ cache: name, permanent }) => [name, permanent])).toEqual(Array(6).fill(['item', true]));
  });

  it.each<[string, unknown, RegExp]>([
    ['a promise', Promise.resolve({ keys: ['1'] }), /promise; a mapper is synchronous/],
    ['text', '1', /options object/],
    ['an array', ['1'], /options object/],
    ['an unknown member', { key: '1' }, /unknown option "key"/],
    ['keys that are no list', { keys: '1' }, /keys: expected an array/],
    ['keys with a length of their own', { keys: { length: 1, 0: '1' } }, /keys: expected an array/],
    ['tags that are no list', { tags: new Set(['tag:1']) }, /tags: expected an array/],
    ['allEntries as text', { allEntries: 'yes' }, /allEntries: expected true or false/],
    ['an unknown mode', { keys: ['1'], mode: 'drop' }, /mode: expected 'delete' or 'expire'/],
    ['too many tags', { tags: Array.from({ length: MAX_EVENT_TAGS + 1 }, () => 'tag:1') }, /at most 1000/],
  ])('refuses %s for good', async (_what, result, message) => {
    const cache = await start(() => result);
    const { failures } = await apply(cache);
    expect(failures).toMatchObject([{ cache: 'item', permanent: true }]);
    expect(String(failures[0].error)).toMatch(message);
    expect(held(cache)).toBe('123');
  });

  it('tells of a mapper that throws, which may do better the next time, and still applies the other caches', async () => {
    const cache = await start((payload) => ({ keys: [payload.product.id] }));
    const other = defineCache<[], string>({
      ...base,
      name: 'other',
      invalidatedBy: { changed: () => ({ allEntries: true }) },
    });
    await strata.cache(other).set([], 'x');
    const outcome = await applyEvent(strata, [cache.definition, other], 'changed', {});
    expect(outcome).toMatchObject({ caches: 2, acknowledged: true, failures: [{ cache: 'item', permanent: false }] });
    expect([held(cache), strata.cache(other).peek()]).toEqual(['123', undefined]);
  });

  it('clears the whole cache instead of very many keys, and takes many tags', async () => {
    const cache = await start(({ keys, tags }) => ({ keys, tags }));
    await apply(cache, { tags: Array.from({ length: 99 }, (_, index) => `tag:${index}`) });
    const lists = Array.from({ length: 100 }, (_, index) => strata.cache(listCache).peek(String(index)));
    expect(lists.filter((list) => list !== undefined)).toHaveLength(1);
    await apply(cache, { keys: Array.from({ length: MAX_EVENT_KEYS + 1 }, (_, index) => `none ${index}`) });
    expect(held(cache)).toBe('');
  });

  it('says when the second tier did not acknowledge, also in an engine that is strict about it', async () => {
    for (const strict of [false, true]) {
      const l2 = new ChaosTier(sharedMemory());
      const cache = await start(() => ({ keys: ['1'], tags: ['tag:1'] }), { l2, strict });
      l2.failNext('invalidateKeys');
      expect(await apply(cache)).toEqual({ caches: 1, acknowledged: false, failures: [] });
      expect(await apply(cache)).toEqual({ caches: 1, acknowledged: true, failures: [] });
      if (!strict) await strata.close();
    }
  });
});
