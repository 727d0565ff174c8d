import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { Cacheable, Strata } from '@strata-cache/nestjs';
import { CacheTestingModule } from '@strata-cache/nestjs/testing';
import { products as productCache, type Product } from './product.js';

async function boot(...providers: any[]): Promise<TestingModule> {
  const testing = await Test.createTestingModule({ imports: [CacheTestingModule.forRoot()], providers }).compile();
  return testing.init();
}

describe('inheritance of cached methods', () => {
  it('shares the cache of an inherited method and keeps an override with super apart', async () => {
    class Base {
      loads = 0;
      @Cacheable({ ttl: '1m' })
      async find(id: string): Promise<string> {
        this.loads++;
        return `base ${id}`;
      }
      @Cacheable(productCache)
      async product(id: string): Promise<Product> {
        this.loads++;
        return { id, name: 'base' };
      }
    }
    @Injectable()
    class Inherits extends Base {}
    @Injectable()
    class Overrides extends Base {
      @Cacheable({ ttl: '1m' })
      override async find(id: string): Promise<string> {
        return `over ${await super.find(id)}`;
      }
    }
    const app = await boot(Inherits, Overrides);
    expect(await app.get(Inherits).find('1')).toBe('base 1');
    expect(await app.get(Overrides).find('1')).toBe('over base 1');
    expect(await app.get(Overrides).find('1')).toBe('over base 1');
    expect(app.get(Inherits).loads + app.get(Overrides).loads).toBe(1);
    const names = [...app.get(Strata).caches()].map((cache) => cache.name);
    expect(names).toEqual(expect.arrayContaining(['Base.find', 'Overrides.find', 'product']));
    await app.close();
  });

  it('runs a decorated super with the same key without waiting for itself', async () => {
    class Base {
      loads = 0;
      @Cacheable(productCache)
      async find(id: string): Promise<Product> {
        this.loads++;
        return { id, name: 'base' };
      }
    }
    @Injectable()
    class Overrides extends Base {
      @Cacheable(productCache)
      override async find(id: string): Promise<Product> {
        const product = await super.find(id);
        return { ...product, name: `${product.name} and over` };
      }
    }
    const app = await boot(Overrides);
    expect((await app.get(Overrides).find('1')).name).toBe('base and over');
    expect((await app.get(Overrides).find('1')).name).toBe('base and over');
    expect(app.get(Overrides).loads).toBe(1);
    await app.close();
  });
});
