import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import { Inject, Injectable, Module, type OnApplicationShutdown, type OnModuleDestroy } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import {
  Cacheable,
  CacheConfigError,
  CacheModule,
  defineCache,
  getCacheToken,
  InjectCache,
  Strata,
  type Cache,
  type CacheModuleOptions,
  type CacheOf,
  type CacheOptionsFactory,
} from '@strata-cache/nestjs';
import { CacheTestingModule, FakeClock } from '@strata-cache/nestjs/testing';

const names = defineCache<[id: string], string>({
  name: 'names',
  version: 1,
  owner: 'test',
  key: (id) => id,
  ttl: '1m',
});
const sizes = defineCache<[id: string], number>({
  name: 'sizes',
  version: 1,
  owner: 'test',
  key: (id) => id,
  ttl: '1m',
});

@Injectable()
class Names {
  constructor(
    @InjectCache(names) readonly cache: CacheOf<typeof names>,
    @InjectCache('sizes') readonly sizes: Cache<[id: string], number>,
    readonly strata: Strata,
  ) {}
}

@Module({ imports: [CacheModule.forFeature([names, sizes])], providers: [Names], exports: [Names] })
class NamesModule {}

@Module({ providers: [{ provide: 'NAMESPACE', useValue: 'from:config' }], exports: ['NAMESPACE'] })
class ConfigModule {}

@Injectable()
class OptionsFactory implements CacheOptionsFactory {
  constructor(@Inject('NAMESPACE') private readonly namespace: string) {}
  createCacheOptions(): CacheModuleOptions {
    return { namespace: this.namespace };
  }
}

@Module({ imports: [ConfigModule], providers: [OptionsFactory], exports: [OptionsFactory] })
class FactoryModule {}

async function compile(...imports: any[]): Promise<TestingModule> {
  return Test.createTestingModule({ imports }).compile();
}

describe('CacheModule', () => {
  it('works without options, under the name of the package', async () => {
    const app = await compile(CacheModule.forRoot(), NamesModule);
    const service = app.get(Names);
    expect(service.strata).toBeInstanceOf(Strata);
    expect(service.strata.namespace).toBe('strata-cache');
    expect(service.cache).toBe(app.get(getCacheToken(names), { strict: false }));
    expect(service.sizes.name).toBe('sizes');
    await service.cache.set('1', 'one');
    expect(await service.cache.get('1')).toBe('one');
    await app.close();
  });

  it.each([
    [
      'useFactory',
      { imports: [ConfigModule], inject: ['NAMESPACE'], useFactory: async (namespace: string) => ({ namespace }) },
    ],
    ['useClass', { imports: [ConfigModule], useClass: OptionsFactory }],
    ['useExisting', { imports: [FactoryModule], useExisting: OptionsFactory }],
  ])('takes options from %s', async (_way, options) => {
    for (const way of ['forRootAsync', 'registerAsync'] as const) {
      const app = await compile(CacheModule[way](options), NamesModule);
      expect(app.get(Strata, { strict: false }).namespace).toBe('from:config');
      await app.close();
    }
  });

  it('has register as an alias', async () => {
    const app = await compile(CacheModule.register({ namespace: 'aliased' }), NamesModule);
    expect(app.get(Names).strata.namespace).toBe('aliased');
    await app.close();
  });

  it('stays in the module that imports it with isGlobal: false, and can be re-exported', async () => {
    @Module({ imports: [CacheModule.forRoot({ namespace: 'local', isGlobal: false })], exports: [CacheModule] })
    class LocalModule {}
    @Injectable()
    class Service {
      @Cacheable(names)
      async find(id: string): Promise<string> {
        return id;
      }
    }
    @Module({
      imports: [LocalModule, CacheModule.forFeature([names, sizes], { imports: [LocalModule] })],
      providers: [Names, Service],
    })
    class UserModule {}
    const app = await compile(UserModule);
    await app.init();
    await app.get(Service).find('1');
    expect(await app.get(Names).cache.get('1')).toBe('1');
    await app.close();

    await expect(compile(LocalModule, NamesModule)).rejects.toThrow('Strata');
  });

  it('keeps several engines of one application apart', async () => {
    const parts: any[] = [];
    for (const namespace of ['one', 'two']) {
      @Injectable()
      class Service {
        loads = 0;
        @Cacheable(names)
        async find(id: string): Promise<string> {
          this.loads++;
          return id;
        }
      }
      @Module({ imports: [CacheModule.forRoot({ namespace, isGlobal: false })], providers: [Service] })
      class Part {}
      parts.push({ Part, Service });
    }
    const app = await compile(...parts.map(({ Part }) => Part));
    await app.init();
    for (const { Service } of parts) {
      await app.get<any>(Service).find('1');
      await app.get<any>(Service).find('1');
      expect(app.get<any>(Service).loads).toBe(1);
    }
    await app.close();
  });

  it('refuses to guess which of several engines a useFactory instance uses', async () => {
    class Service {
      @Cacheable(names)
      async find(id: string): Promise<string> {
        return id;
      }
    }
    const part = (namespace: string): any => {
      @Module({
        imports: [CacheModule.forRoot({ namespace, isGlobal: false })],
        providers: [{ provide: 'service', useFactory: () => new Service() }],
      })
      class Part {}
      return Part;
    };
    const app = await compile(part('one'), part('two'));
    await expect(app.init()).rejects.toThrow(
      'Service is made by useFactory or useValue in an application with several',
    );
  });

  it('lets shutdown hooks of other providers use caches, then closes the engine', async () => {
    const seen: (string | undefined)[] = [];
    @Injectable()
    class Late implements OnModuleDestroy, OnApplicationShutdown {
      constructor(@InjectCache(names) private readonly cache: CacheOf<typeof names>) {}
      async onModuleDestroy(): Promise<void> {
        await this.cache.set('1', 'one');
        seen.push(await this.cache.get('1'));
      }
      async onApplicationShutdown(): Promise<void> {
        seen.push(await this.cache.get('1'));
      }
    }
    const app = await Test.createTestingModule({
      imports: [CacheModule.forRoot(), CacheModule.forFeature([names])],
      providers: [Late],
    }).compile();
    await app.init();
    const strata = app.get(Strata);
    let closed = 0;
    const close = strata.close.bind(strata);
    strata.close = async () => {
      closed = seen.length;
      await close();
    };
    await app.close();
    expect(seen).toEqual(['one', 'one']);
    expect(closed).toBe(2);
  });
});

describe('wrong configuration fails at bootstrap', () => {
  const failing = async (options: any, ...imports: any[]): Promise<string> => {
    const app = compile(CacheModule.forRoot(options), ...imports);
    const error: unknown = await app
      .then((module) => module.init().then(() => undefined))
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(CacheConfigError);
    return (error as CacheConfigError).message;
  };

  it('names the option', async () => {
    expect(await failing({ maxStaleness: '1s', heartbeat: '1s' })).toMatch(/maxStaleness/);
    expect(await failing({ ttl: '5m' })).toMatch(/ttl/);
    expect(await failing({ refreshAhead: 0.5 })).toMatch(/refreshAhead/);
    // Those of the module are known as well as those of the engine.
    expect(await failing({ docter: true })).toMatch(
      /^CacheModule\.forRoot: unknown option "docter".* namespace.* doctor/,
    );
    expect(await failing({ defaults: { ttl: 60 } })).toMatch(/ttl.*'60s'/s);
    expect(await failing({ defaults: { ttl: -1 } })).toMatch(/ttl/);
    expect(await failing({ defaults: { refreshAhead: 2 } })).toMatch(/refreshAhead/);
  });

  it('for options of forRootAsync', async () => {
    const app = compile(CacheModule.forRootAsync({ useFactory: () => ({ heartbeat: '1s', maxStaleness: '1s' }) }));
    await expect(app).rejects.toThrow(/maxStaleness/);
  });

  it('for definitions', () => {
    const define = (options: any): any =>
      defineCache({ name: 'x', version: 1, owner: 'x', ttl: '1m', ...options } as any);
    expect(() => define({ ttl: 60 })).toThrow(/ttl.*'60s'/s);
    expect(() => define({ ttl: -1000 })).toThrow(/ttl/);
    expect(() => define({ refreshAhead: 1.5 })).toThrow(/refreshAhead/);
    expect(() => define({ refreshAhed: 0.5 })).toThrow(/refreshAhed/);
  });

  it('for two caches of one name, injected or decorated', async () => {
    const twin = defineCache<[id: string], string>({
      name: 'names',
      version: 1,
      owner: 'other',
      key: (id) => id,
      ttl: '2m',
    });
    expect(await failing({}, CacheModule.forFeature([names]), CacheModule.forFeature([twin]))).toMatch(/"?names"?/);
    expect(() => CacheModule.forFeature([names, twin])).toThrow(
      /^CacheModule\.forFeature: two definitions are named "names" \(owners: test, other\).*rename one/,
    );
    expect(() => CacheTestingModule.forRoot({ caches: [names, twin] })).toThrow(CacheConfigError);
    CacheModule.forFeature([names, names]);
    @Injectable()
    class Service {
      @Cacheable(twin)
      async find(id: string): Promise<string> {
        return id;
      }
    }
    @Module({ providers: [Service] })
    class ServiceModule {}
    expect(await failing({}, CacheModule.forFeature([names]), ServiceModule)).toMatch(/"?names"?/);
  });

  it('for two global engines, and for definitions that are none', async () => {
    expect(await failing({}, CacheModule.forRoot())).toMatch(/more than once.*overrideProvider\(Strata\)/s);
    expect(() => CacheModule.forFeature([undefined as any])).toThrow(/defineCache/);
    expect(() => getCacheToken(undefined as any)).toThrow(/defineCache/);
  });
});

describe('CacheTestingModule', () => {
  it('gives a FakeClock, no jitter, and injectable caches', async () => {
    const app = await Test.createTestingModule({
      imports: [CacheTestingModule.forRoot({ caches: [names, sizes] })],
      providers: [Names],
    }).compile();
    const { cache } = app.get(Names);
    await cache.set('1', 'one');
    await app.get(FakeClock).advance(59_999);
    expect(await cache.get('1')).toBe('one');
    await app.get(FakeClock).advance(1);
    expect(await cache.get('1')).toBeUndefined();
    await app.close();
  });

  it('takes a clock of the test', async () => {
    const clock = new FakeClock();
    const app = await compile(CacheTestingModule.forRoot({ clock, namespace: 'mine' }));
    expect(app.get(FakeClock, { strict: false })).toBe(clock);
    expect(app.get(Strata, { strict: false }).namespace).toBe('mine');
    await app.close();
  });
});
