import { afterEach, describe, expect, it } from '@jest/globals';
import { defineCache, hydrateAs, type CacheDefinition, type Isolation } from '@strata-cache/core';
import { FakeClock, settle, sharedMemory } from '@strata-cache/core/testing';
import { closeAll, engine, notices } from './engine-kit.js';

afterEach(closeAll);

interface Order {
  items: { name: string; price: number }[];
  at: Date;
  byId: Map<string, { n: number }>;
  labels: Set<string>;
}

const order = (): Order => ({
  items: [{ name: 'pen', price: 2 }],
  at: new Date(0),
  byId: new Map([['a', { n: 1 }]]),
  labels: new Set(['x']),
});

const orders = (isolation?: Isolation): CacheDefinition<[id: string], Order> =>
  defineCache<[id: string], Order>({
    name: 'orders',
    version: 1,
    owner: 'T',
    key: (id) => id,
    ttl: '1m',
    grace: '1h',
    isolation,
  });

const mutations: Record<string, (value: Order) => unknown> = {
  'a property': (value) => (value.at = new Date(1)),
  'a nested property': (value) => (value.items[0].price = 0),
  'an array': (value) => value.items.push({ name: 'x', price: 1 }),
  'a Date': (value) => value.at.setTime(5),
  'a Map': (value) => value.byId.set('b', { n: 2 }),
  'a value in a Map': (value) => (value.byId.get('a')!.n = 9),
  'a Set': (value) => value.labels.clear(),
  'a deletion': (value) => delete (value as Partial<Order>).items,
};

const engines = { 'in process': () => engine(), 'over a second tier': () => engine({ l2: sharedMemory() }) };

describe.each(Object.entries(engines))('values %s', (_name, open) => {
  describe.each(Object.entries(mutations))('changing %s', (_what, mutate) => {
    it('throws in frozen mode, for the loader itself, whoever joined, and on a hit', async () => {
      const cache = open().cache(orders());
      const all = await Promise.all([cache.getOrSet('a', order), cache.getOrSet('a', order)]);
      all.push(await cache.getOrSet('a', order), cache.peek('a')!, (await cache.entry('a'))!.value);
      for (const value of all) {
        expect(() => mutate(value)).toThrow(TypeError);
      }
      expect(await cache.getOrSet('a', order)).toEqual(order());
    });

    it('changes only an own copy in cloned mode', async () => {
      const cache = open().cache(orders('cloned'));
      const all = await Promise.all([cache.getOrSet('a', order), cache.getOrSet('a', order)]);
      all.push(await cache.getOrSet('a', order), cache.peek('a')!, (await cache.entry('a'))!.value);
      for (const value of all) {
        mutate(value);
        expect(await cache.getOrSet('a', order)).toEqual(order());
      }
    });
  });

  it("a set object stays its owner's", async () => {
    const cache = open().cache(orders());
    const mine = order();
    await cache.set('a', mine);
    mine.items[0].price = 99;
    mine.byId.clear();
    expect(await cache.get('a')).toEqual(order());
  });

  it("a put object stays its owner's too", async () => {
    const cache = open().cache(orders());
    await settle();
    const mine = await cache.put('a', () => Promise.resolve(order()));
    mine.items[0].price = 99;
    expect(await cache.get('a')).toEqual(order());
  });

  it('bytes: every reader has an own copy', async () => {
    const definition = defineCache<[id: string], { file: Buffer }>({
      name: 'files',
      version: 1,
      owner: 'T',
      key: (id) => id,
      ttl: '1m',
    });
    const cache = open().cache(definition);
    const load = (): { file: Buffer } => ({ file: Buffer.from('hello') });
    for (let index = 0; index < 3; index++) {
      const value = await cache.getOrSet('a', load);
      expect(value.file.toString()).toBe('hello');
      value.file.fill(0);
    }
  });
});

it('shared mode hands out the reference', async () => {
  const cache = engine().cache(orders('shared'));
  const mine = order();
  expect(await cache.getOrSet('a', () => mine)).toBe(mine);
  mine.items[0].price = 7;
  expect((await cache.getOrSet('a', order)).items[0].price).toBe(7);
});

describe('class instances', () => {
  class User {
    password = 'secret';
    constructor(public name = 'ann') {}
    greet(): string {
      return `I am ${this.name}`;
    }
    toJSON(): object {
      return { name: this.name };
    }
  }

  it('without hydrate: answered as they are, not stored, one notice naming path and remedy', async () => {
    const { seen, observer } = notices();
    const cache = engine({ observer }).cache(
      defineCache<[id: string], { user: User }>({ name: 'users', version: 1, owner: 'T', key: (id) => id, ttl: '1m' }),
    );
    let loads = 0;
    for (let index = 0; index < 3; index++) {
      const { user } = await cache.getOrSet('a', () => (loads++, { user: new User() }));
      expect(user).toBeInstanceOf(User);
      user.name = 'changed';
    }
    expect(loads).toBe(3);
    expect(seen).toHaveLength(1);
    expect(seen[0].message).toMatch(/\$\.user/);
    expect(seen[0].message).toMatch(/hydrate/);
  });

  it('with hydrateAs: an instance each time, on every tier, and changing one changes no other', async () => {
    const clock = new FakeClock();
    const l2 = sharedMemory();
    const definition = defineCache<[id: string], User>({
      name: 'users',
      version: 1,
      owner: 'T',
      key: (id) => id,
      ttl: '1m',
      hydrate: hydrateAs(User),
    });
    const [one, other] = [engine({ clock, l2 }).cache(definition), engine({ clock, l2 }).cache(definition)];
    for (const cache of [one, one, other, other]) {
      const user = await cache.getOrSet('a', () => new User());
      await settle();
      expect(user).toBeInstanceOf(User);
      expect(user.greet()).toBe('I am ann');
      user.name = 'changed';
    }
    expect(one.stats().loads + other.stats().loads).toBe(1);
  });
});
