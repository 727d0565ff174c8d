import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import { Inject, Injectable, Module, Scope } from '@nestjs/common';
import { ContextIdFactory, ModuleRef, REQUEST } from '@nestjs/core';
import { Test, type TestingModule } from '@nestjs/testing';
import {
  CachedMethods,
  CacheEvict,
  CacheModule,
  Cacheable,
  CachePut,
  createStrata,
  Strata,
} from '@strata-cache/nestjs';
import { CacheTestingModule, FakeClock, withStrata } from '@strata-cache/nestjs/testing';
import { products as productCache, type Product } from './product.js';

@Injectable()
class Catalog {
  loads = 0;
  readonly #prefix = 'Product';

  @Cacheable(productCache)
  async find(id: string): Promise<Product> {
    this.loads++;
    return { id, name: this.#name(id) };
  }

  @CachePut(productCache)
  async rename(id: string, name: string): Promise<Product> {
    return { id, name };
  }

  @CacheEvict(productCache)
  async remove(_id: string): Promise<void> {}

  #name(id: string): string {
    return `${this.#prefix} ${id}`;
  }
}

async function boot(...providers: any[]): Promise<TestingModule> {
  const testing = await Test.createTestingModule({ imports: [CacheTestingModule.forRoot()], providers }).compile();
  return testing.init();
}

describe('instances with cached methods', () => {
  it('caches methods of a provider, #private fields included', async () => {
    const app = await boot(Catalog);
    const catalog = app.get(Catalog);
    expect(await catalog.find('1')).toEqual({ id: '1', name: 'Product 1' });
    await catalog.find('1');
    expect(catalog.loads).toBe(1);
    await app.get(FakeClock).advance(60_000);
    await catalog.find('1');
    expect(catalog.loads).toBe(2);
    await app.close();
  });

  it('puts and evicts', async () => {
    const app = await boot(Catalog);
    const catalog = app.get(Catalog);
    await catalog.find('1');
    await catalog.rename('1', 'Other');
    expect((await catalog.find('1')).name).toBe('Other');
    expect(catalog.loads).toBe(1);
    await catalog.remove('1');
    expect((await catalog.find('1')).name).toBe('Product 1');
    expect(catalog.loads).toBe(2);
    await app.close();
  });

  it('passes through with plain new', async () => {
    const catalog = new Catalog();
    await catalog.find('1');
    await catalog.find('1');
    await catalog.rename('1', 'Other');
    await catalog.remove('1');
    expect(catalog.loads).toBe(2);
    expect(Reflect.ownKeys(catalog)).toEqual(['loads']);
  });

  it('is cached with plain new and withStrata', async () => {
    const strata = createStrata({ clock: new FakeClock() });
    const catalog = withStrata(new Catalog(), strata);
    await catalog.find('1');
    await catalog.find('1');
    expect(catalog.loads).toBe(1);
    expect(Object.keys(catalog)).toEqual(['loads']);
    await strata.close();
  });

  it('caches request-scoped providers across requests', async () => {
    const loads: string[] = [];
    @Injectable({ scope: Scope.REQUEST })
    class PerRequest {
      constructor(@Inject(REQUEST) private readonly request: { name: string }) {}
      @Cacheable(productCache)
      async find(id: string): Promise<Product> {
        loads.push(this.request.name);
        return { id, name: id };
      }
    }
    const app = await boot(PerRequest);
    for (const name of ['first', 'second']) {
      const context = ContextIdFactory.create();
      app.registerRequestByContextId({ name }, context);
      await (await app.resolve(PerRequest, context)).find('1');
    }
    expect(loads).toEqual(['first']);
    await app.close();
  });

  it('caches transient providers, each with the same cache', async () => {
    let loads = 0;
    @Injectable({ scope: Scope.TRANSIENT })
    class Transient {
      @Cacheable(productCache)
      async find(id: string): Promise<Product> {
        loads++;
        return { id, name: id };
      }
    }
    @Injectable()
    class A {
      constructor(readonly transient: Transient) {}
    }
    @Injectable()
    class B {
      constructor(readonly transient: Transient) {}
    }
    const app = await boot(Transient, A, B);
    expect(app.get(A).transient).not.toBe(app.get(B).transient);
    await app.get(A).transient.find('1');
    await app.get(B).transient.find('1');
    await (await app.resolve(Transient)).find('1');
    expect(loads).toBe(1);
    await app.close();
  });

  it('caches what moduleRef.create() makes', async () => {
    const app = await boot();
    const catalog = await app.get(ModuleRef).create(Catalog);
    await catalog.find('1');
    await catalog.find('1');
    expect(catalog.loads).toBe(1);
    await app.close();
  });

  it('caches useFactory and useValue instances, useExisting and useClass', async () => {
    const value = new Catalog();
    const app = await boot(
      { provide: 'factory', useFactory: async () => new Catalog() },
      { provide: 'value', useValue: value },
      { provide: 'class', useClass: Catalog },
      { provide: 'existing', useExisting: 'factory' },
    );
    for (const token of ['factory', 'value', 'class']) {
      const catalog = app.get<Catalog>(token);
      await catalog.find(token);
      await catalog.find(token);
      expect(catalog.loads).toBe(1);
    }
    expect(app.get('existing')).toBe(app.get('factory'));
    await app.close();
  });

  it('caches what request-scoped and transient factories make', async () => {
    const made: Catalog[] = [];
    const make = (): Catalog => {
      made.push(new Catalog());
      return made[made.length - 1];
    };
    const app = await boot(
      { provide: 'request', scope: Scope.REQUEST, inject: [REQUEST], useFactory: make },
      { provide: 'transient', scope: Scope.TRANSIENT, useFactory: async () => make() },
    );
    for (const token of ['request', 'request', 'transient', 'transient']) {
      await (await app.resolve<Catalog>(token, ContextIdFactory.create())).find('1');
    }
    expect(made.length).toBeGreaterThanOrEqual(4);
    expect(made.reduce((loads, catalog) => loads + catalog.loads, 0)).toBe(1);
    await app.close();
  });

  it('keeps two applications in one process apart', async () => {
    const [first, second] = [await boot(Catalog), await boot(Catalog)];
    await first.get(Catalog).find('1');
    await second.get(Catalog).find('1');
    expect([first.get(Catalog).loads, second.get(Catalog).loads]).toEqual([1, 1]);
    await first.get(Catalog).remove('1');
    await second.get(Catalog).find('1');
    expect(second.get(Catalog).loads).toBe(1);
    await first.close();
    await second.get(Catalog).find('1');
    expect(second.get(Catalog).loads).toBe(1);
    await second.close();
  });

  it('uses an overridden engine right after compile()', async () => {
    const strata = createStrata({ namespace: 'override', clock: new FakeClock() });
    const app = await Test.createTestingModule({ imports: [CacheModule.forRoot()], providers: [Catalog] })
      .overrideProvider(Strata)
      .useValue(strata)
      .compile();
    expect(app.get(Strata)).toBe(strata);
    await app.get(Catalog).find('1');
    expect(await strata.cache(productCache).get('1')).toEqual({ id: '1', name: 'Product 1' });
    await app.init();
    await app.close();
    expect(await strata.cache(productCache).get('1')).toEqual({ id: '1', name: 'Product 1' }); // not ours to close
    await strata.close();
  });

  it('runs undecorated when the engine is replaced by a stand-in, as useMocker() does', async () => {
    const app = await Test.createTestingModule({ providers: [Catalog] })
      .useMocker(() => ({}))
      .compile();
    await app.init();
    await app.get(Catalog).find('1');
    await app.get(Catalog).find('1');
    expect(app.get(Catalog).loads).toBe(2);
    await app.close();
  });

  it('is cached already in onModuleInit of other providers', async () => {
    @Injectable()
    class Warmer {
      constructor(private readonly catalog: Catalog) {}
      async onModuleInit(): Promise<void> {
        await this.catalog.find('1');
        await this.catalog.find('1');
      }
    }
    const app = await boot(Catalog, Warmer);
    expect(app.get(Catalog).loads).toBe(1);
    await app.close();
  });

  it('leaves the hooks of a class alone', async () => {
    const called: string[] = [];
    @Injectable()
    class Hooked {
      onModuleInit(): void {
        called.push('onModuleInit');
      }
      onApplicationBootstrap(): void {
        called.push('onApplicationBootstrap');
      }
      @Cacheable({ ttl: '1m' })
      async find(): Promise<number> {
        return 1;
      }
    }
    new Hooked().onModuleInit();
    const app = await boot(Hooked);
    expect(called).toEqual(['onModuleInit', 'onModuleInit', 'onApplicationBootstrap']);
    await app.close();
  });

  it('lists the cached methods of the application', async () => {
    @Module({ providers: [Catalog], exports: [Catalog] })
    class CatalogModule {}
    const app = await Test.createTestingModule({ imports: [CacheTestingModule.forRoot(), CatalogModule] }).compile();
    await app.init();
    const listed = app.get(CachedMethods).list();
    expect(listed.map((method) => `@${method.decorator} ${method.className}.${method.method}`).toSorted()).toEqual([
      '@CacheEvict Catalog.remove',
      '@CachePut Catalog.rename',
      '@Cacheable Catalog.find',
    ]);
    expect(listed.every((method) => method.definition === productCache)).toBe(true);
    await app.close();
  });
});
