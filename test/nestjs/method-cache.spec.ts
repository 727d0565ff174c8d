import 'reflect-metadata';
import { afterAll, beforeEach, describe, expect, it } from '@jest/globals';
import { CacheEvict, Cacheable, CachePut, createStrata, defineCache } from '@strata-cache/nestjs';
import { FakeClock, gate, withStrata } from '@strata-cache/nestjs/testing';
import { eventually } from '../support/eventually.js';

interface Product {
  readonly id: string;
  readonly name: string;
}

const products = defineCache<[id: string], Product>({
  name: 'product',
  version: 1,
  owner: 'Catalog',
  key: (id) => id,
  ttl: '1m',
  tags: (product) => [`name:${product.name}`],
});
const localized = defineCache<[id: string, lang?: string], string>({
  name: 'localized',
  version: 1,
  owner: 'Catalog',
  key: (id, lang = 'en') => [id, lang],
  ttl: '1m',
});
const home = defineCache<[], readonly string[]>({ name: 'home', version: 1, owner: 'Catalog', ttl: '1m' });

class Catalog {
  loads: string[] = [];
  rows = new Map<string, string>();
  failure: Error | undefined;

  @Cacheable(products, { condition: (id) => id !== 'never', unless: (product) => product.name === 'draft' })
  async find(id: string): Promise<Product> {
    this.loads.push(`find ${id}`);
    if (this.failure) throw this.failure;
    return { id, name: this.rows.get(id) ?? 'none' };
  }

  @Cacheable(localized)
  async text(id: string, lang = 'en'): Promise<string> {
    this.loads.push(`text ${id} ${lang}`);
    return `${id} ${lang}`;
  }

  @Cacheable(home)
  async home(): Promise<readonly string[]> {
    this.loads.push('home');
    return [...this.rows.values()];
  }

  @Cacheable({ ttl: '1m', tags: (sum, a) => [`sum:${a}`, `total:${sum}`] })
  async sum(a: number, b: number): Promise<number> {
    this.loads.push(`sum ${a} ${b}`);
    return a + b;
  }

  @Cacheable({ ttl: '1m' })
  async optional(flag: boolean): Promise<string | undefined> {
    this.loads.push(`optional ${flag}`);
    return flag ? 'here' : undefined;
  }

  @CacheEvict(products)
  @CacheEvict(home)
  async save(id: string, name: string): Promise<string> {
    if (this.failure) throw this.failure;
    this.rows.set(id, name);
    return id;
  }

  @CacheEvict(products, { args: (dto) => dto.id, condition: (dto) => dto.id !== 'kept' })
  async change(dto: { id: string }): Promise<void> {
    dto.id = 'changed by the method';
  }

  @CacheEvict(products, { keys: (ids) => ids })
  async saveMany(...ids: string[]): Promise<string[]> {
    return ids;
  }

  @CacheEvict(products, { tags: (name, id) => [`name:${name}`, `sum:${id}`] })
  async retag(_id: number, name: string): Promise<string> {
    return name;
  }

  @CacheEvict(products, { allEntries: true, phase: 'before' })
  async reset(): Promise<void> {
    if (this.failure) throw this.failure;
  }

  @CachePut(products)
  async put(id: string, name: string): Promise<Product> {
    this.loads.push(`put ${id}`);
    if (this.failure) throw this.failure;
    this.rows.set(id, name);
    return { id, name };
  }

  @CachePut(products, {
    args: (dto) => dto.id,
    value: (name, dto) => ({ id: dto.id, name }),
    condition: (dto) => dto.name !== 'uncached',
    unless: (name) => name === 'draft',
  })
  async putDto(dto: { id: string; name: string }): Promise<string> {
    this.loads.push(`put ${dto.id}`);
    this.rows.set(dto.id, dto.name);
    return dto.name;
  }
}

describe('decorated methods', () => {
  const strata = createStrata({ namespace: 'test', clock: new FakeClock() });
  let catalog: Catalog;

  beforeEach(async () => {
    catalog = withStrata(new Catalog(), strata);
    await strata.clear();
  });
  afterAll(() => strata.close());

  it('@Cacheable runs the method once for waiting callers and for hits', async () => {
    catalog.rows.set('1', 'one');
    const found = await Promise.all([catalog.find('1'), catalog.find('1'), catalog.find('2')]);
    expect(found.map((product) => product.name)).toEqual(['one', 'one', 'none']);
    await catalog.find('1');
    expect(catalog.loads).toEqual(['find 1', 'find 2']);
  });

  it('@Cacheable takes the arguments as they come: defaults, none, several', async () => {
    await catalog.text('a');
    await catalog.text('a', 'en');
    await catalog.text('a', 'de');
    await catalog.home();
    await catalog.home();
    expect(await catalog.sum(1, 2)).toBe(3);
    expect(await catalog.sum(1, 2)).toBe(3);
    expect(await catalog.sum(2, 1)).toBe(3);
    expect(catalog.loads).toEqual(['text a en', 'text a de', 'home', 'sum 1 2', 'sum 2 1']);
  });

  it('@Cacheable does not store undefined, nor what `unless` or `condition` keep out', async () => {
    await catalog.optional(false);
    await catalog.optional(false);
    await catalog.optional(true);
    await catalog.optional(true);
    catalog.rows.set('1', 'draft');
    await catalog.find('1');
    await catalog.find('1');
    await catalog.find('never');
    await catalog.find('never');
    expect(catalog.loads).toEqual([
      'optional false',
      'optional false',
      'optional true',
      'find 1',
      'find 1',
      'find never',
      'find never',
    ]);
  });

  it('lets the error of the method pass untouched, from every decorator', async () => {
    catalog.failure = new RangeError('mine');
    await expect(catalog.find('1')).rejects.toBe(catalog.failure);
    await expect(catalog.save('1', 'x')).rejects.toBe(catalog.failure);
    await expect(catalog.put('1', 'x')).rejects.toBe(catalog.failure);
    await expect(catalog.reset()).rejects.toBe(catalog.failure);
    expect(catalog.loads).toEqual(['find 1', 'put 1']);
  });

  it('@CacheEvict: stacked, by arguments as they were before the method ran, by result, by tag, all', async () => {
    const load = async (...ids: string[]): Promise<string[]> => {
      catalog.loads = [];
      for (const id of ids) await catalog.find(id);
      return catalog.loads;
    };
    await load('1', '2', 'kept');
    await catalog.home();
    await catalog.save('1', 'one');
    expect(await catalog.home()).toEqual(['one']);
    expect(await load('1', '2')).toEqual(['find 1']);

    await catalog.change({ id: '2' });
    await catalog.change({ id: 'kept' });
    expect(await load('1', '2', 'kept')).toEqual(['find 2']);

    await catalog.saveMany('1', '2');
    expect(await load('1', '2', 'kept')).toEqual(['find 1', 'find 2']);

    await catalog.sum(7, 1);
    await catalog.retag(7, 'one');
    expect(await load('1', '2', 'kept')).toEqual(['find 1']);
    await catalog.sum(7, 1);
    expect(catalog.loads).toEqual(['find 1', 'sum 7 1']);

    await catalog.reset();
    expect(await load('1', '2', 'kept')).toEqual(['find 1', 'find 2', 'find kept']);
  });

  it("@CacheEvict with mode 'expire' leaves the entry usable as stale within grace, and refreshes it", async () => {
    const soft = defineCache<[id: string], number>({
      name: 'soft',
      version: 1,
      owner: 'test',
      key: (id) => id,
      ttl: '1m',
      grace: '1h',
    });
    const refreshed = gate();
    class Soft {
      loads = 0;
      @Cacheable(soft)
      async find(_id: string): Promise<number> {
        const load = ++this.loads;
        if (load > 1) await refreshed.pass();
        return load;
      }
      @CacheEvict(soft, { mode: 'expire' })
      async touch(_id: string): Promise<void> {}
    }
    const instance = withStrata(new Soft(), strata);
    await instance.find('1');
    await instance.touch('1');
    expect(await instance.find('1')).toBe(1);
    await refreshed.arrived();
    refreshed.open();
    await eventually(async () => (await instance.find('1')) === 2);
    expect(instance.loads).toBe(2);
  });

  it('@CacheEvict does nothing when the method fails, except before it', async () => {
    await catalog.find('1');
    catalog.failure = new Error('mine');
    await expect(catalog.save('1', 'x')).rejects.toBe(catalog.failure);
    await expect(catalog.find('1')).resolves.toMatchObject({ name: 'none' });
    await expect(catalog.reset()).rejects.toBe(catalog.failure);
    catalog.failure = undefined;
    await catalog.find('1');
    expect(catalog.loads).toEqual(['find 1', 'find 1']);
  });

  it('@CacheEvict voids a load that was running: the next read sees what was written', async () => {
    const loading = gate();
    class Slow {
      row = 'old';
      loads = 0;
      @Cacheable(products)
      async find(id: string): Promise<Product> {
        const name = this.row;
        if (this.loads++ === 0) await loading.pass();
        return { id, name };
      }
      @CacheEvict(products)
      async save(_id: string, name: string): Promise<void> {
        this.row = name;
      }
    }
    const slow = withStrata(new Slow(), strata);
    const first = slow.find('1');
    await loading.arrived();
    await slow.save('1', 'new');
    expect((await slow.find('1')).name).toBe('new');
    loading.open();
    await first;
    expect((await slow.find('1')).name).toBe('new');
    expect(slow.loads).toBe(2);
  });

  it('@CachePut always runs, and stores the result or what `value` makes of it', async () => {
    await catalog.put('1', 'one');
    await catalog.put('1', 'uno');
    expect((await catalog.find('1')).name).toBe('uno');
    expect(await catalog.putDto({ id: '2', name: 'two' })).toBe('two');
    expect(await catalog.find('2')).toEqual({ id: '2', name: 'two' });
    expect(catalog.loads).toEqual(['put 1', 'put 1', 'put 2']);
  });

  it('@CachePut deletes the key when nothing is to be stored, and leaves it alone without condition', async () => {
    await catalog.putDto({ id: '2', name: 'two' });
    await catalog.putDto({ id: '2', name: 'uncached' });
    expect((await catalog.find('2')).name).toBe('two');
    await catalog.putDto({ id: '2', name: 'draft' });
    catalog.loads = [];
    await catalog.find('2');
    expect(catalog.loads).toEqual(['find 2']);
  });
});
