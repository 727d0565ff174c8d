import { describe, expect, it } from '@jest/globals';
import { createStrata, defineCache, type Strata } from '@strata-cache/core';
import { gate, settle, sharedMemory } from '@strata-cache/core/testing';

interface Row {
  readonly id: string;
  readonly load: number;
}

const rows = defineCache<[id: string], Row>({ name: 'rows', version: 1, owner: 'T', key: (id) => id, ttl: '1m' });
const pairs = defineCache<[a: string, b: number], string>({
  name: 'pairs',
  version: 1,
  owner: 'T',
  key: (a, b) => [a, b],
  ttl: '1m',
});

const topologies: [string, () => Strata][] = [
  ['in process', () => createStrata()],
  ['over a second tier', () => createStrata({ l2: sharedMemory() })],
];

describe.each(topologies)('batches %s', (_, make) => {
  it('load the misses only, in one call, and answer in the order asked', async () => {
    const strata = make();
    const cache = strata.cache(rows);
    await cache.set('b', { id: 'b', load: 0 });
    const calls: (readonly [string])[][] = [];
    const values = await cache.getOrSetMany(['c', 'b', 'a', 'c'], (_context, missing) => {
      calls.push([...missing]);
      return new Map(missing.map(([id]) => [id, { id, load: calls.length }]));
    });
    expect(calls).toEqual([[['c'], ['a']]]);
    expect(values.map((row) => `${row?.id}${row?.load}`)).toEqual(['c1', 'b0', 'a1', 'c1']);
    expect(await cache.getMany(['a', 'nobody', 'b'])).toEqual([{ id: 'a', load: 1 }, undefined, { id: 'b', load: 0 }]);
    await strata.close();
  });

  it('overlap without loading a key twice', async () => {
    const strata = make();
    const cache = strata.cache(rows);
    const hold = gate();
    const seen: string[] = [];
    const load = async (_: unknown, missing: readonly (readonly [string])[]): Promise<Row[]> => {
      seen.push(...missing.map(([id]) => id));
      await hold.pass();
      return missing.map(([id]) => ({ id, load: 1 }));
    };
    const first = cache.getOrSetMany(['a', 'b'], load);
    const second = cache.getOrSetMany(['b', 'c'], load);
    const single = cache.getOrSet('b', () => Promise.reject(new Error('b is being loaded')));
    await hold.arrived(2);
    hold.open();
    expect((await Promise.all([first, second, single])).flat().map((row) => row?.id)).toEqual([
      'a',
      'b',
      'b',
      'c',
      'b',
    ]);
    expect(seen.sort()).toEqual(['a', 'b', 'c']);
    await strata.close();
  });

  it('take one place of maxConcurrentLoads however many keys they have', async () => {
    const strata = make();
    const cache = strata.cache(
      defineCache<[id: number], number>({
        name: 'n',
        version: 1,
        owner: 'T',
        key: (id) => id,
        ttl: '1m',
        maxConcurrentLoads: 1,
      }),
    );
    const keys = Array.from({ length: 300 }, (_, id) => id);
    expect(await cache.getOrSetMany(keys, (_, missing) => missing.map(([id]) => id))).toEqual(keys);
    expect(cache.stats().loads).toBe(300);
    await strata.close();
  });

  it('find the value of a tuple made anew', async () => {
    const strata = make();
    const cache = strata.cache(pairs);
    const values = await cache.getOrSetMany(
      [
        ['a', 1],
        ['a', 2],
      ],
      (_, missing) => new Map(missing.map(([a, b]) => [[a, b] as const, `${a}${b}`])),
    );
    expect(values).toEqual(['a1', 'a2']);
    await strata.close();
  });

  it('refuse an array of another length, and pass the loader’s error through', async () => {
    const strata = make();
    const cache = strata.cache(rows);
    await expect(cache.getOrSetMany(['a', 'b'], () => [{ id: 'a', load: 1 }])).rejects.toThrow(
      /returned 1 values for 2 keys/,
    );
    const own = new Error('mine');
    await expect(cache.getOrSetMany(['a', 'b'], () => Promise.reject(own))).rejects.toBe(own);
    await strata.close();
  });
});

describe('a write hold', () => {
  it('keeps both instances from storing what they read while the source changes', async () => {
    const l2 = sharedMemory();
    const [writer, reader] = [createStrata({ l2 }), createStrata({ l2 })];
    let source = 1;
    const load = (): Row => ({ id: 'a', load: source });
    await reader.cache(rows).getOrSet('a', load);
    await writer.cache(rows).withHold(['a'], async () => {
      expect((await reader.cache(rows).getOrSet('a', load)).load).toBe(1);
      expect((await writer.cache(rows).getOrSet('a', load)).load).toBe(1);
      source = 2;
      expect((await reader.cache(rows).getOrSet('a', load)).load).toBe(2);
      expect((await writer.cache(rows).getOrSet('a', load)).load).toBe(2);
      expect(l2.size).toBe(0);
    });
    expect((await reader.cache(rows).getOrSet('a', load)).load).toBe(2);
    await settle();
    expect(l2.size).toBe(1);
    await Promise.all([writer.close(), reader.close()]);
  });
});
