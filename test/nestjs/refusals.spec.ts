import 'reflect-metadata';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { Controller, Inject, Injectable, Scope, type Type } from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import {
  CacheConfigError,
  CacheEvict,
  CacheModule,
  Cacheable,
  CachePut,
  createStrata,
  defineCache,
} from '@strata-cache/nestjs';
import { CacheTestingModule, withStrata } from '@strata-cache/nestjs/testing';
import { of, type Observable } from 'rxjs';

const names = defineCache<[id: string], string>({
  name: 'names',
  version: 1,
  owner: 'test',
  key: (id) => id,
  ttl: '1m',
});
const anything: any = names;
const inline: any = { ttl: '1m' };
const loosely: (...args: any[]) => any = Cacheable;
const looselyEvict: (...args: any[]) => any = CacheEvict;
const looselyPut: (...args: any[]) => any = CachePut;

@Injectable()
class Names {
  @Cacheable(names)
  async find(id: string): Promise<string> {
    return id;
  }
}

async function boot(providers: any[], imports: any[] = [], controllers: Type[] = []): Promise<void> {
  const testing = await Test.createTestingModule({ imports, providers, controllers }).compile();
  await testing.init();
  await testing.close();
}

describe('an application where no engine reaches a decorated class', () => {
  const remedy = /has cached methods, but no cache engine reaches it\. Add CacheModule\.forRoot\(\)/;

  it('fails the boot for providers, naming the class and the remedy', async () => {
    await expect(boot([Names])).rejects.toThrow(remedy);
    await expect(boot([Names])).rejects.toThrow(/^Names /);
    await expect(boot([Names])).rejects.toMatchObject({ code: 'ERR_CACHE_CONFIG' });
  });

  it('fails the boot for controllers', async () => {
    @Controller()
    class NamesController extends Names {}
    await expect(boot([], [], [NamesController])).rejects.toThrow(/^NamesController has cached methods/);
  });

  it('fails the boot for request-scoped classes, and the first request where only a dependency makes them so', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Declared extends Names {}
    @Injectable()
    class Depending extends Names {
      constructor(@Inject(REQUEST) readonly request: unknown) {
        super();
      }
    }
    await expect(boot([Declared])).rejects.toThrow(/^Declared has cached methods/);
    const app = await Test.createTestingModule({ providers: [Depending] }).compile();
    await app.init();
    await expect(app.resolve(Depending)).rejects.toThrow(/^Depending has cached methods/);
    await app.close();

    @Controller({ scope: Scope.REQUEST })
    class DeclaredController extends Names {}
    await expect(boot([], [], [DeclaredController])).rejects.toThrow(/^DeclaredController has cached methods/);
  });

  it('boots where a test has replaced the class', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Replaced extends Names {}
    const replaced = await Test.createTestingModule({ providers: [Replaced, Names] })
      .overrideProvider(Replaced)
      .useValue({ find: async () => 'replaced' })
      .overrideProvider(Names)
      .useValue({})
      .compile();
    await replaced.init();
    await replaced.close();
  });

  it('fails the boot for transient classes that are used', async () => {
    @Injectable({ scope: Scope.TRANSIENT })
    class Transient extends Names {}
    @Injectable()
    class User {
      constructor(readonly names: Transient) {}
    }
    await expect(boot([Transient, User])).rejects.toThrow(/^Transient has cached methods/);
  });

  it('fails the boot for useFactory and useValue, also where the class has a hook of its own', async () => {
    class Hooked extends Names {
      onApplicationBootstrap(): void {}
    }
    class Bootstrapped {
      @Cacheable(names)
      async find(id: string): Promise<string> {
        return id;
      }
      onApplicationBootstrap(): void {}
    }
    await expect(boot([{ provide: 'names', useFactory: () => new Names() }])).rejects.toThrow(remedy);
    await expect(boot([{ provide: 'names', useValue: new Names() }])).rejects.toThrow(remedy);
    await expect(boot([{ provide: 'names', useValue: new Bootstrapped() }])).rejects.toThrow(remedy);
    new Hooked().onApplicationBootstrap();
  });

  it('fails the boot where CacheModule is imported without forRoot, or not global and elsewhere', async () => {
    await expect(boot([Names], [CacheModule])).rejects.toThrow(remedy);
    class Elsewhere {}
    const module = { module: Elsewhere, imports: [CacheModule.forRoot({ isGlobal: false })] };
    await expect(boot([Names], [module])).rejects.toThrow(remedy);
  });
});

describe('what a decorator refuses where it stands', () => {
  const decorators = { Cacheable: Cacheable(anything), CacheEvict: CacheEvict(anything), CachePut: CachePut(anything) };

  it.each(Object.entries(decorators))('@%s: statics, accessors and properties', (name, decorate: any) => {
    class Site {
      static find(): void {}
      get value(): number {
        return 1;
      }
    }
    const descriptor = (target: object, key: string): any => Object.getOwnPropertyDescriptor(target, key);
    expect(() => decorate(Site, 'find', descriptor(Site, 'find'))).toThrow(
      `Site.find: @${name} does not work on static`,
    );
    expect(() => decorate(Site.prototype, 'value', descriptor(Site.prototype, 'value'))).toThrow(
      `Site.value: @${name} works on methods only`,
    );
    expect(() => decorate(Site.prototype, 'field', undefined)).toThrow(`Site.field: @${name} works on methods only`);
  });

  it.each(Object.entries(decorators))('@%s: methods that declare no promise', (name, decorate: any) => {
    expect(() => {
      class Site {
        @decorate
        find(): string {
          return '';
        }
      }
      return Site;
    }).toThrow(`Site.find: @${name} needs a method that returns a promise, this one declares String`);
  });

  it.each(Object.entries(decorators))('@%s: standard decorators', (name, decorate: any) => {
    expect(() => decorate(() => undefined, { kind: 'method', name: 'find' })).toThrow(
      `@${name}: this class was compiled`,
    );
  });

  it('unknown options, and options not built', () => {
    const apply = (decorate: any): void => {
      class Site {
        @decorate
        async find(id: string): Promise<string> {
          return id;
        }
      }
      void Site;
    };
    const loose: Record<string, (...args: any[]) => any> = { Cacheable, CacheEvict, CachePut };
    expect(() => apply(loose.Cacheable(names, { eech: true }))).toThrow(`Site.find: @Cacheable: unknown option 'eech'`);
    expect(() => apply(loose.Cacheable({ ttl: '1m', each: true }))).toThrow(`unknown option 'each'`);
    expect(() => apply(loose.Cacheable({ ttl: '1m', args: () => 1 }))).toThrow(`unknown option 'args'`);
    expect(() => apply(loose.Cacheable({ ttl: '1m', http: {} }))).toThrow(`unknown option 'http'`);
    expect(() => apply(loose.CachePut(names, { key: () => 1 }))).toThrow(`unknown option 'key'`);
    expect(() => apply(loose.CacheEvict(names, { phase: 'afterwards' }))).toThrow(
      `phase: expected 'before' or 'afterReturn' or 'afterCommit', got "afterwards"`,
    );
    expect(() => apply(loose.CacheEvict(names, { mode: 'drop' }))).toThrow(`mode: expected 'delete' or 'expire'`);
    expect(() => apply(loose.CacheEvict(names, { phase: 'before', keys: () => [] }))).toThrow(
      `'keys' is made from the result, which phase 'before' does not have yet`,
    );
    expect(() => apply(loose.Cacheable(names, { args: 'id' }))).toThrow(`args: expected a function, got "id"`);
    expect(() => apply(loose.Cacheable(undefined))).toThrow(
      `Site.find: @Cacheable needs a definition made by defineCache`,
    );
    expect(() => apply(loose.Cacheable({ ttl: 60 }))).toThrow(/Site\.find.*ttl.*'60s'/s);
    expect(() => apply(loose.Cacheable({ ttl: -5 }))).toThrow(/Site\.find.*ttl/s);
    expect(() => apply(loose.Cacheable({ ttl: '1m', refreshAhead: 2 }))).toThrow(/Site\.find.*refreshAhead/s);
    expect(() => apply(loose.Cacheable({}))).toThrow(/Site\.find.*ttl/s);
  });
});

describe('what a decorated method refuses when it runs', () => {
  class Site {
    runs = 0;
    @loosely(anything)
    observable(_id: string): any {
      this.runs++;
      return of(1) as Observable<number>;
    }
    @loosely(anything)
    plain(_id: string): any {
      return 5;
    }
    @looselyEvict(anything)
    evicts(_id: string): any {
      return of(1);
    }
    @looselyPut(anything)
    puts(_id: string): any {
      this.runs++;
      return 5;
    }
    @loosely(inline)
    async any(...args: any[]): Promise<number> {
      return args.length;
    }
    @loosely(anything)
    async defined(_request: any): Promise<string> {
      return '';
    }
    @loosely(anything, { args: (request: any) => request })
    async picked(_request: any): Promise<string> {
      return '';
    }
    @loosely(anything, { args: (request: any) => String(request.url) })
    async fine(_request: any): Promise<string> {
      return 'fine';
    }
    @loosely({ ttl: '1m', key: (request: any) => String(request.url) })
    async inlineFine(_request: any): Promise<string> {
      return 'fine';
    }
  }
  const strata = createStrata({ namespace: 'test' });
  const site = withStrata(new Site(), strata) as any;

  it('Observables and plain values', async () => {
    await expect(site.observable('1')).rejects.toThrow(
      'Site.observable: @Cacheable needs a method that returns a promise, this one returned an Observable. ' +
        'Make it async and return firstValueFrom(observable).',
    );
    await expect(site.observable('1')).rejects.toBeInstanceOf(CacheConfigError);
    await expect(site.plain('1')).rejects.toThrow('this one returned a plain number. Make it async.');
    await expect(site.evicts('1')).rejects.toThrow('Site.evicts: @CacheEvict needs a method');
    const before = site.runs;
    await expect(site.puts('1')).rejects.toThrow('Site.puts: @CachePut needs a method');
    expect(site.runs).toBe(before + 1);
  });

  it('request objects as key arguments', async () => {
    const request = new IncomingMessage(new Socket());
    const fastify = { raw: request, headers: {}, params: {} };
    const http2 = { stream: {}, headers: {}, httpVersion: '2.0' };
    for (const object of [
      request,
      new ServerResponse(request),
      new Socket(),
      fastify,
      http2,
      new Request('http://x/'),
    ]) {
      for (const method of ['any', 'defined', 'picked']) {
        await expect(site[method](object)).rejects.toThrow(
          new RegExp(
            `Site\\.${method}: @Cacheable: a (request|response|socket) cannot be part of a key.*args: \\(req\\)`,
          ),
        );
      }
    }
    await expect(site.any('1', { switchToHttp: () => 1 })).rejects.toThrow(
      'an execution context cannot be part of a key',
    );
    expect(await site.fine(request)).toBe('fine');
    expect(await site.inlineFine(request)).toBe('fine');
  });

  it('a request-scoped class with the inline form and no key, at boot', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class PerRequest {
      @Cacheable({ ttl: '1m' })
      async find(id: string): Promise<string> {
        return id;
      }
    }
    @Injectable()
    class Bubbled {
      constructor(@Inject(REQUEST) readonly request: unknown) {}
      @Cacheable({ ttl: '1m' })
      async find(id: string): Promise<string> {
        return id;
      }
    }
    @Injectable({ scope: Scope.REQUEST })
    class WithKey {
      @Cacheable({ ttl: '1m', key: (id) => id })
      async find(id: string): Promise<string> {
        return id;
      }
    }
    const imports = [CacheTestingModule.forRoot()];
    await expect(boot([PerRequest], imports)).rejects.toThrow(
      "PerRequest.find: @Cacheable without 'key' on a request-scoped",
    );
    await expect(boot([Bubbled], imports)).rejects.toThrow(
      "Bubbled.find: @Cacheable without 'key' on a request-scoped",
    );
    await boot([WithKey], imports);
  });
});
