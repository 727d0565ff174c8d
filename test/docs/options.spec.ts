import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import {
  BUILT_IN_DEFAULTS,
  type CacheError,
  createStrata,
  defineCache,
  duration,
  ENGINE_DEFAULTS,
  LOCK_DEFAULTS,
  MAX_KEY_LENGTH,
  MAX_TAG_LENGTH,
  MAX_TAGS,
  memoryTier,
} from '@strata-cache/core';
import { ChaosTier, FakeClock, sharedMemory } from '@strata-cache/core/testing';
import { Cacheable, CacheEvict, CachePut, CacheModule, Locked } from '@strata-cache/nestjs';
import { redis } from '@strata-cache/redis';
import { LEASE_TTL } from '../../libs/core/src/reading/fill-right.js';
import { TIER_DEADLINE } from '../../libs/core/src/tiers/guarded-tier.js';
import { resolveOptions } from '../../libs/redis/src/options.js';
import { tablesOf, textOf, type Table } from './markdown.js';
import { defaultsOf, knownOptions, messageOf, valueOf } from './option-tables.js';

const tables = new Map([...tablesOf('docs/options.md'), ...tablesOf('docs/locks.md')]);

function table(name: string): Table {
  const found = tables.get(name);
  if (found === undefined) throw new Error(`docs/options.md and docs/locks.md have no table "${name}"`);
  return found;
}

function defaultsIn(name: string): Record<string, unknown> {
  return defaultsOf(table(name));
}

const strata = createStrata({ clock: new FakeClock() });
const base = { name: 'a', version: 1, owner: 'x', ttl: '1m' } as const;
const unknown = { nonsense: 1 } as any;
const definition = defineCache<[id: string], string>({ ...base, key: (id) => id });
const cache = strata.cache(definition);
const decorate = (decorator: any): void => {
  class Service {
    async method(): Promise<string> {
      return 'x';
    }
  }
  decorator(Service.prototype, 'method', Object.getOwnPropertyDescriptor(Service.prototype, 'method'));
};

describe('docs/options.md names exactly the options the code knows', () => {
  it.each<[string, () => unknown]>([
    ['createStrata', () => createStrata(unknown)],
    ['defaults', () => createStrata({ defaults: unknown })],
    ['defineCache', () => defineCache<[], string>({ ...base, ...unknown })],
    ['call', () => cache.getOrSet('1', () => 'x', unknown)],
    ['set', () => cache.set('1', 'x', unknown)],
    ['invalidate', () => cache.clear(unknown)],
    ['invalidate', () => strata.clear(unknown)],
    ['invalidate', () => strata.invalidateTags(['t'], unknown)],
    ['memoryTier', () => memoryTier(unknown)],
    ['redis', () => redis({ url: 'redis://localhost', ...unknown })],
    ['locks', () => strata.locks.tryAcquire('k', unknown)],
    ['Cacheable', () => decorate(Cacheable(definition, unknown))],
    ['Cacheable inline', () => decorate(Cacheable({ ttl: '1m', ...unknown }))],
    ['CacheEvict', () => decorate(CacheEvict(definition, unknown))],
    ['CachePut', () => decorate(CachePut(definition, unknown))],
    ['Locked', () => decorate(Locked({ key: 'k', ...unknown }))],
  ])('%s', async (name, run) => {
    expect([...table(name).keys()].sort()).toEqual(await knownOptions(run));
  });

  it('put: those of set but version, and value', async () => {
    const message = await messageOf(() => cache.put('1', async () => 'x', unknown));
    expect(message).toContain('nonsense');
    const expected = [...table('set').keys(), 'value'].filter((option) => option !== 'version');
    expect([...table('put').keys()].sort()).toEqual(expected.sort());
  });
});

describe('docs/options.md names the defaults of the code', () => {
  it('of createStrata', async () => {
    const { strict, ...documented } = defaultsIn('createStrata');
    const { maxStaleness, heartbeat, ...rest } = ENGINE_DEFAULTS;
    expect(documented).toEqual({ maxStaleness, heartbeat, ...rest });

    const outcomes: unknown[] = [];
    for (const consistency of ['bounded', 'coherent'] as const) {
      const l2 = new ChaosTier(sharedMemory());
      const engine = createStrata({ clock: new FakeClock(), l2, consistency });
      l2.failNext('invalidateKeys');
      outcomes.push(
        await engine
          .cache(definition)
          .delete('1')
          .catch((error: CacheError) => error.code),
      );
      await engine.close();
    }
    expect([strict, ...outcomes]).toEqual([false, { acknowledged: false }, 'ERR_CACHE_TIER']);
  });

  it('of forRoot', () => {
    const { isGlobal } = defaultsIn('forRoot');
    expect(CacheModule.forRoot().imports).toMatchObject([{ global: isGlobal }]);
    expect(CacheModule.forRoot({ isGlobal: false }).imports).toMatchObject([{ global: false }]);
  });

  it('of every cache', () => {
    expect(defaultsIn('defaults')).toEqual(BUILT_IN_DEFAULTS);
    const { ttl: _, ...shared } = BUILT_IN_DEFAULTS;
    expect(defaultsIn('defineCache')).toEqual(shared);
  });

  it('what is required', async () => {
    for (const [option, [cell]] of table('defineCache')) {
      if (cell === 'required') {
        expect(await messageOf(() => defineCache({ ...base, [option]: undefined } as any))).toContain(
          `${option} is required`,
        );
      }
    }
    expect(await messageOf(() => decorate(Cacheable({} as any)))).toContain('ttl is required');
    expect(await messageOf(() => decorate(Locked({} as any)))).toContain("needs 'key'");
    expect(table('Locked').get('key')?.[0]).toBe('required');
  });

  it('of memoryTier', async () => {
    const { maxEntries, maxBytes } = memoryTier();
    const message = await messageOf(() => memoryTier({ policy: 'nonsense' as any }));
    const policy = /leave it out for "(.*)"/.exec(message)?.[1];
    expect(defaultsIn('memoryTier')).toEqual({ maxEntries, maxBytes, policy });
  });

  it('of redis', () => {
    const { url: _, ...defaults } = resolveOptions({ url: 'redis://localhost' });
    expect(defaultsIn('redis')).toEqual(defaults);
    const cluster = resolveOptions({ cluster: { nodes: ['localhost:7000'] } });
    expect(textOf('docs/options.md')).toContain(`On Cluster the default is ${cluster.shards}.`);
  });

  it('of locks', () => {
    const { ttl, wait, ...others } = LOCK_DEFAULTS;
    for (const name of ['locks', 'Locked']) {
      expect(defaultsIn(name)).toEqual({ ttl: duration(ttl), wait: duration(wait), ...others });
    }
  });

  it('of @CacheEvict and of invalidations, which destructure them', () => {
    const given = (path: string): Record<string, unknown> =>
      Object.fromEntries(
        [...textOf(path).matchAll(/(\w+) = ('\w+'|false)[,\s]/g)].map(([, name, value]) => [name, valueOf(value)]),
      );
    expect(given('libs/nestjs/src/method-cache/cache-evict.ts')).toMatchObject(defaultsIn('CacheEvict'));
    for (const path of ['libs/core/src/cache.ts', 'libs/core/src/strata.ts']) {
      expect(given(path)).toMatchObject(defaultsIn('invalidate'));
    }
  });

  it('the fixed numbers', () => {
    const values = [...table('fixed').values()].map(([cell]) => valueOf(cell));
    expect(values).toEqual([MAX_KEY_LENGTH, MAX_TAG_LENGTH, MAX_TAGS, TIER_DEADLINE, LEASE_TTL, 30_000]);
  });
});
