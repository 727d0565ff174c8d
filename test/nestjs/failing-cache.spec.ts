import 'reflect-metadata';
import { afterAll, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { CacheEvict, Cacheable, CachePut, createStrata } from '@strata-cache/nestjs';
import { FakeClock, withStrata } from '@strata-cache/nestjs/testing';
import { products, type Product } from './product.js';

describe('a cache that fails', () => {
  const strata = createStrata({ namespace: 'test', clock: new FakeClock() });
  const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
  afterAll(() => warn.mockRestore());

  class Failing {
    runs = 0;
    @CacheEvict(products)
    async evict(_id: string): Promise<number> {
      return ++this.runs;
    }
    @CacheEvict(products, { phase: 'before' })
    async evictBefore(_id: string): Promise<number> {
      return ++this.runs;
    }
    @CacheEvict(products, {
      keys: () => {
        throw new Error('callback');
      },
    })
    async evictKeys(_id: string): Promise<number> {
      return ++this.runs;
    }
    @CachePut(products)
    async put(id: string): Promise<Product> {
      return { id, name: `${++this.runs}` };
    }
    @CachePut(products, {
      value: () => {
        throw new Error('callback');
      },
    })
    async putValue(_id: string): Promise<number> {
      return ++this.runs;
    }
    @Cacheable(products, {
      unless: () => {
        throw new Error('callback');
      },
    })
    async find(id: string): Promise<Product> {
      return { id, name: `${++this.runs}` };
    }
  }

  it('never fails a method that succeeded, nor runs it twice; it warns', async () => {
    const failing = withStrata(new Failing(), strata);
    const cache = strata.cache(products);
    const broken = async (): Promise<never> => {
      throw new Error('tier down');
    };
    Object.assign(cache, { deleteMany: broken });
    expect(await failing.evict('1')).toBe(1);
    expect(await failing.evictBefore('1')).toBe(2);
    expect(await failing.evictKeys('1')).toBe(3);
    expect(await failing.putValue('1')).toBe(4);
    expect((await failing.find('1')).name).toBe('5');
    Object.assign(cache, { put: broken });
    expect((await failing.put('1')).name).toBe('6');
    Object.assign(cache, { put: (_key: unknown, produce: () => Promise<unknown>) => produce().then(broken) });
    expect((await failing.put('1')).name).toBe('7');
    const told = warn.mock.calls.map(([message]) => String(message));
    expect(told).toHaveLength(7);
    expect(told[0]).toMatch(/^Failing\.evict: @CacheEvict could not invalidate after.*tier down/);
    expect(told[1]).toMatch(/^Failing\.evictBefore: @CacheEvict could not invalidate before.*tier down/);
    expect(told[2]).toMatch(/^Failing\.evictKeys.*callback/);
    expect(told[3]).toMatch(/^Failing\.putValue: @CachePut: 'value' threw.*callback/);
    expect(told[4]).toMatch(/^Failing\.find: @Cacheable: 'unless' threw.*callback/);
    expect(told[5]).toMatch(/^Failing\.put: @CachePut could not store.*tier down/);
    expect(told[6]).toMatch(/^Failing\.put: @CachePut could not store.*tier down/);
    await strata.close();
  });
});
