import 'reflect-metadata';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable, type INestApplicationContext, type Type } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  type Cache,
  Cacheable,
  type CacheDefinition,
  CacheEvict,
  CacheModule,
  CachePut,
  defineCache,
  InjectCache,
  type LintLevel,
  type LintOptions,
  type Notice,
} from '@strata-cache/nestjs';
import { CacheEventsModule } from '@strata-cache/nestjs/microservices';

interface Extra {
  readonly tags?: (value: string, id: string) => readonly string[];
  readonly invalidatedBy?: Record<string, (event: any) => object>;
}

const cacheOf = (name: string, ttl: string, extra: Extra = {}): CacheDefinition<[id: string], string> =>
  defineCache<[id: string], string>({ name, version: 1, owner: 'Owner', key: (id) => id, ttl: ttl as '1s', ...extra });

const [long, short, unread, tagged, shared] = [
  cacheOf('long', '1h'),
  cacheOf('short', '10m'),
  cacheOf('unread', '1m'),
  cacheOf('tagged', '2m', { tags: (_value, id) => [`item:${id}`] }),
  cacheOf('shared', '3m'),
];
const chooser = cacheOf('chooser', '4m', { tags: (value) => (value === 'hot' ? ['hot'] : ['cold']) });
const heard = cacheOf('heard', '1h', { invalidatedBy: { 'item.changed': ({ id }) => ({ keys: [id] }) } });
const mistold = cacheOf('mistold', '5m', { invalidatedBy: { moved: ({ id }) => ({ tags: [`shelf:${id}`] }) } });
const same = [1, 2, 3, 4].map((number) => cacheOf(`same${number}`, '1m'));

/** A class that reads the caches it is given. */
function readerOf(...definitions: readonly CacheDefinition<[id: string], string>[]): Type {
  class Reader {}
  definitions.forEach((definition, index) => {
    const descriptor = { value: async (id: string) => id, writable: true, configurable: true };
    Cacheable(definition)(Reader.prototype, `find${index}`, descriptor);
    Object.defineProperty(Reader.prototype, `find${index}`, descriptor);
  });
  Injectable()(Reader);
  return Reader;
}

@Injectable()
class EvictsUnread {
  @CacheEvict(unread)
  async change(_id: string): Promise<void> {}
}

@Injectable()
class EvictsTags {
  @CacheEvict(tagged, { tags: (_result, id) => [`item:${id}`] })
  async change(_id: string): Promise<void> {}

  @CacheEvict(tagged, { tags: (_result, id) => [`items:${id}`] })
  async misspelt(_id: string): Promise<void> {}
}

@Injectable()
class One {
  @Cacheable(shared)
  async find(id: string): Promise<string> {
    return id;
  }
}

@Injectable()
class Other {
  @CachePut(shared)
  async change(id: string): Promise<string> {
    return id;
  }
}

@Injectable()
class Injected {
  constructor(@InjectCache(long) readonly cache: Cache<[id: string], string>) {}
}

const opened: INestApplicationContext[] = [];
afterEach(() => Promise.all(opened.splice(0).map((app) => app.close())));

async function findings(
  providers: readonly Type[],
  caches: readonly CacheDefinition<any, any>[] = [],
  lint?: LintLevel | LintOptions,
): Promise<readonly string[]> {
  const notices: Notice[] = [];
  const module = await Test.createTestingModule({
    imports: [
      CacheModule.forRoot({ namespace: 'test', lint, observer: { notice: (notice) => notices.push(notice) } }),
      CacheModule.forFeature(caches),
      CacheEventsModule.forRoot({ caches }),
    ],
    providers: [...providers],
  }).compile();
  opened.push(await module.init());
  return notices.filter(({ name }) => name.startsWith('contract.')).map(({ name, message }) => `${name}: ${message}`);
}

describe('the lint of the contract', () => {
  it.each<[string, Type[], CacheDefinition<any, any>[], RegExp]>([
    [
      'a cache that nothing clears',
      [readerOf(long)],
      [],
      /^contract.never-cleared: cache "long": nothing clears it.*3600000 ms/,
    ],
    [
      'an evict of what nobody reads',
      [EvictsUnread],
      [],
      /^contract.aims-at-nothing: EvictsUnread.change: clears cache "unread"/,
    ],
    [
      'a tag nobody carries',
      [EvictsTags, readerOf(tagged)],
      [],
      /^contract.unknown-tag: EvictsTags.misspelt: .* items:\{id\},/,
    ],
    [
      'a tag nobody carries, of an event',
      [readerOf(mistold)],
      [mistold],
      /^contract.unknown-tag: moved: .* shelf:\{id\},/,
    ],
    ['two owners', [One, Other], [], /^contract.two-owners: cache "shared" \(owner: Owner\).*One.find, Other.change/],
    [
      'one ttl for everything',
      [readerOf(...same)],
      [],
      /^contract.one-ttl: all 4 caches have the same ttl of 60000 ms/,
    ],
  ])('finds %s, and nothing else', async (_what, providers, caches, expected) => {
    const found = await findings(providers, caches);
    expect(found).toEqual([expect.stringMatching(expected)]);
    const [, id] = /ignore: \['(.+)'\]/.exec(found[0]) ?? [];
    expect(await findings(providers, caches, { ignore: [id] })).toEqual([]);
    await expect(findings(providers, caches, 'error')).rejects.toThrow(found[0].replace(/^[\w.-]+: /, ''));
    expect(await findings(providers, caches, 'off')).toEqual([]);
  });

  it.each<[string, Type[], CacheDefinition<any, any>[]]>([
    ['a short ttl', [readerOf(short)], []],
    ['a cache that an event clears', [readerOf(heard)], [heard]],
    ['an injected cache, which its class may clear', [Injected, readerOf(long)], [long]],
    ['tags, where a cache chooses its own by the value', [EvictsTags, readerOf(tagged, chooser)], []],
    ['three caches of one ttl', [readerOf(...same.slice(0, 3))], []],
    ['nothing at all', [], []],
  ])('passes over %s', async (_what, providers, caches) => {
    expect(await findings(providers, caches)).toEqual([]);
  });

  it('takes another limit', async () => {
    expect(await findings([readerOf(short)], [], { maxTtl: '5m' })).toEqual([expect.stringContaining('"short"')]);
    expect(await findings([readerOf(long)], [], { maxTtl: '2h' })).toEqual([]);
  });

  it.each<[any, string]>([
    ['loud', `lint: level: expected 'warn' or 'error' or 'off'`],
    [{ levle: 'warn' }, 'lint: unknown option "levle"'],
    [{ maxTtl: 60 }, `'60s'`],
    [{ ignore: ['one-ttl'] }, `ignore: expected a list of 'rule:subject'`],
  ])('refuses %j', async (lint, message) => {
    await expect(findings([], [], lint)).rejects.toThrow(message);
  });
});
