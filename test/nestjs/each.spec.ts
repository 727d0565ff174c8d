import 'reflect-metadata';
import { afterAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  Cacheable,
  CacheConfigError,
  CacheEvict,
  CacheKeyError,
  createStrata,
  defineCache,
} from '@strata-cache/nestjs';
import { FakeClock, gate, withStrata } from '@strata-cache/nestjs/testing';
import { products, type Product } from './product.js';

const remembered = defineCache<[id: string], Product>({
  name: 'remembered',
  version: 1,
  owner: 'Catalog',
  key: (id) => id,
  ttl: '1m',
  negativeTtl: '10s',
});
const texts = defineCache<[id: string, lang: string], string>({
  name: 'text',
  version: 1,
  owner: 'Catalog',
  key: (id, lang) => [id, lang],
  ttl: '1m',
});
const home = defineCache<[], string[]>({ name: 'home', version: 1, owner: 'Catalog', ttl: '1m' });
const loosely: (...args: any[]) => any = Cacheable;

class Catalog {
  loads: string[] = [];
  missing = new Set<string>();
  failure: Error | undefined;
  drop = 0;

  #rows(method: string, ids: readonly string[]): (Product | undefined)[] {
    this.loads.push(`${method} ${ids.join(' ')}`);
    if (this.failure) throw this.failure;
    const rows = ids.map((id) => (this.missing.has(id) ? undefined : { id, name: `Product ${id}` }));
    return rows.slice(0, rows.length - this.drop);
  }

  @Cacheable(products, { each: true })
  async many(ids: readonly string[], _signal?: AbortSignal): Promise<(Product | undefined)[]> {
    return this.#rows('many', ids);
  }

  @Cacheable(products, { each: 'map' })
  async byId(ids: readonly string[]): Promise<Map<string, Product>> {
    const found = this.#rows('byId', ids).filter((row) => row !== undefined);
    return new Map(found.map((row) => [row.id, row]));
  }

  @Cacheable(products)
  async one(id: string): Promise<Product> {
    return this.#rows('one', [id])[0] as Product;
  }

  @Cacheable(remembered, { each: true })
  async remembering(ids: readonly string[]): Promise<(Product | undefined)[]> {
    return this.#rows('remembering', ids);
  }

  @Cacheable(products, {
    each: true,
    args: (_prefix, dtos) => dtos.map((dto) => dto.id),
    condition: (prefix) => prefix !== 'never',
    unless: (rows) => rows.some((row) => row?.id === 'draft'),
  })
  async ofDtos(prefix: string, dtos: { id: string }[]): Promise<(Product | undefined)[]> {
    return this.#rows(
      prefix,
      dtos.map((dto) => dto.id),
    );
  }

  @Cacheable(texts, { each: true })
  async texts(keys: readonly (readonly [string, string])[]): Promise<string[]> {
    this.loads.push(`texts ${keys.map((key) => key.join('-')).join(' ')}`);
    return keys.map(([id, lang]) => `${id} in ${lang}`);
  }

  @Cacheable(texts, { each: 'map', args: (lang, ids) => ids.map((id) => [id, lang] as const) })
  async textsOf(lang: string, ids: string[]): Promise<Map<readonly [string, string], string>> {
    this.loads.push(`textsOf ${lang} ${ids.join(' ')}`);
    return new Map(ids.map((id) => [[id, lang], `${id} in ${lang}`]));
  }

  @CacheEvict(products)
  async save(_id: string): Promise<void> {}

  @loosely(products, { each: true })
  async lying(ids: string[]): Promise<any> {
    return new Map(ids.map((id) => [id, { id, name: '' }]));
  }

  @loosely(products, { each: 'map' })
  async lyingToo(ids: string[]): Promise<any> {
    return ids.map((id) => ({ id, name: '' }));
  }

  @loosely(products, { each: true, args: (...ids: any[]) => ids.slice(1) })
  async short(..._ids: any[]): Promise<any> {}
}

describe('@Cacheable with each', () => {
  const strata = createStrata({ namespace: 'test', clock: new FakeClock(), defaults: { jitter: 0 } });
  let catalog: Catalog;
  const idsOf = (rows: readonly (Product | undefined)[]): (string | undefined)[] => rows.map((row) => row?.id);

  beforeEach(async () => {
    catalog = withStrata(new Catalog(), strata);
    await strata.clear();
  });
  afterAll(() => strata.close());

  it('runs the method once for what is missing, and answers in the order asked', async () => {
    expect(idsOf(await catalog.many(['b', 'a']))).toEqual(['b', 'a']);
    expect(idsOf(await catalog.many(['c', 'a', 'd', 'b', 'c']))).toEqual(['c', 'a', 'd', 'b', 'c']);
    expect(idsOf(await catalog.many(['d', 'c', 'b', 'a']))).toEqual(['d', 'c', 'b', 'a']);
    expect(await catalog.many([])).toEqual([]);
    expect(catalog.loads).toEqual(['many b a', 'many c d']);
  });

  it('shares entries with the methods that answer for one key', async () => {
    await catalog.one('a');
    await catalog.many(['a', 'b']);
    await catalog.one('b');
    await catalog.save('b');
    await catalog.many(['a', 'b']);
    expect(catalog.loads).toEqual(['one a', 'many b', 'many b']);
  });

  it('lets overlapping calls share their loads', async () => {
    const held = gate();
    class Slow extends Catalog {
      @Cacheable(products, { each: true })
      override async many(ids: readonly string[]): Promise<(Product | undefined)[]> {
        this.loads.push(`slow ${ids.join(' ')}`);
        await held.pass();
        return ids.map((id) => ({ id, name: id }));
      }
    }
    const slow = withStrata(new Slow(), strata);
    const first = slow.many(['a', 'b']);
    await held.arrived();
    const second = slow.many(['b', 'c']);
    await held.arrived();
    held.open();
    expect([idsOf(await first), idsOf(await second)]).toEqual([
      ['a', 'b'],
      ['b', 'c'],
    ]);
    expect(slow.loads).toEqual(['slow a b', 'slow c']);
  });

  it('takes undefined for a key without a value: not stored, unless the cache remembers it', async () => {
    catalog.missing.add('x');
    expect(idsOf(await catalog.many(['a', 'x']))).toEqual(['a', undefined]);
    expect(idsOf(await catalog.many(['a', 'x']))).toEqual(['a', undefined]);
    expect(idsOf(await catalog.remembering(['x']))).toEqual([undefined]);
    expect(idsOf(await catalog.remembering(['x']))).toEqual([undefined]);
    expect(catalog.loads).toEqual(['many a x', 'many x', 'remembering x']);
  });

  it('answers with a Map by key where the method does', async () => {
    catalog.missing.add('x');
    await catalog.byId(['b']);
    const found = await catalog.byId(['a', 'x', 'b']);
    expect([...found.keys()]).toEqual(['a', 'b']);
    expect(found.get('b')?.name).toBe('Product b');
    const hit = await catalog.byId(['b', 'a']);
    expect(hit).toBeInstanceOf(Map);
    expect([...hit.keys()]).toEqual(['b', 'a']);
    expect(catalog.loads).toEqual(['byId b', 'byId a x']);
  });

  it('takes tuples where the key has several arguments', async () => {
    expect(await catalog.texts([['a', 'de']])).toEqual(['a in de']);
    const asked = [
      ['a', 'en'],
      ['a', 'de'],
      ['a', 'en'],
    ] as const;
    expect(await catalog.texts(asked)).toEqual(['a in en', 'a in de', 'a in en']);
    expect(catalog.loads).toEqual(['texts a-de', 'texts a-en']);
    const found = await catalog.textsOf('de', ['a', 'b']);
    expect([...found]).toEqual([
      [['a', 'de'], 'a in de'],
      [['b', 'de'], 'b in de'],
    ]);
    expect(catalog.loads.at(-1)).toBe('textsOf de b');
  });

  it('makes one key of each element with args, and passes the other arguments on', async () => {
    const [a, b] = [{ id: 'a' }, { id: 'b' }];
    await catalog.ofDtos('first', [a]);
    expect(idsOf(await catalog.ofDtos('second', [b, a, b]))).toEqual(['b', 'a', 'b']);
    await catalog.ofDtos('never', [a, b]);
    expect(catalog.loads).toEqual(['first a', 'second b', 'never a b']);
  });

  it('stores nothing of a call that unless refuses', async () => {
    await catalog.ofDtos('first', [{ id: 'a' }, { id: 'draft' }]);
    await catalog.ofDtos('second', [{ id: 'a' }]);
    await catalog.ofDtos('third', [{ id: 'a' }]);
    expect(catalog.loads).toEqual(['first a draft', 'second a']);
  });

  it('passes the error of the method on, and refuses rows without a key', async () => {
    await catalog.many(['a']);
    catalog.failure = new RangeError('mine');
    await expect(catalog.many(['a', 'b'])).rejects.toBe(catalog.failure);
    catalog.failure = undefined;
    catalog.drop = 1;
    await expect(catalog.many(['b', 'c'])).rejects.toThrow(/"product".*returned 1 values for 2 keys/);
    catalog.drop = 0;
    expect(idsOf(await catalog.many(['a', 'b', 'c']))).toEqual(['a', 'b', 'c']);
    expect(catalog.loads).toEqual(['many a', 'many b', 'many b c', 'many b c']);
  });

  it('refuses results of the other kind, and calls without an array or with other keys', async () => {
    await expect(catalog.lying(['a'])).rejects.toThrow(
      "Catalog.lying: @Cacheable: each: true needs a method that returns an array with one value per key, in their order, this one returned a Map. For a Map by key write each: 'map'.",
    );
    await expect(catalog.lyingToo(['a'])).rejects.toThrow(
      "Catalog.lyingToo: @Cacheable: each: 'map' needs a method that returns a Map by key, this one returned an array.",
    );
    await expect(catalog.lying(['a'])).rejects.toBeInstanceOf(CacheConfigError);
    await expect(catalog.many('a' as any)).rejects.toThrow(/^Catalog\.many.*takes an array.*got a plain string/);
    await expect(catalog.many(undefined as any)).rejects.toBeInstanceOf(CacheKeyError);
    await expect(catalog.short(['a', 'b'], 'x')).rejects.toThrow(/one key for each of the 2 elements.*returned 1 keys/);
    await expect(catalog.many([{ headers: {}, stream: {}, httpVersion: '2.0' } as any])).rejects.toThrow(
      'a request cannot be part of a key',
    );
    const apply = (definition: unknown, each: unknown): void => {
      class Site {
        @loosely(definition, { each })
        async all(_ids: string[]): Promise<any> {}
      }
      void Site;
    };
    expect(() => apply(home, true)).toThrow(
      `Site.all: @Cacheable: 'each' needs a cache with many entries, but "home" has no 'key'`,
    );
    expect(() => apply(products, 'array')).toThrow(`each: expected true or false or 'map', got "array"`);
  });

  it('passes through with plain new', async () => {
    const plain = new Catalog();
    await plain.many(['a', 'a']);
    await plain.many(['a']);
    expect(plain.loads).toEqual(['many a a', 'many a']);
  });
});
