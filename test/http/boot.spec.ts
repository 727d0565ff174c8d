import { afterEach, describe, expect, it, jest } from '@jest/globals';
import {
  Controller,
  Get,
  Post,
  Put,
  Redirect,
  Render,
  Res,
  Sse,
  VersioningType,
  Version,
  Header,
  type Type,
} from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import {
  CacheModule,
  HttpCache,
  NoHttpCache,
  Precondition,
  Strata,
  type HttpCacheModuleOptions,
  type HttpCacheOptions,
} from '@strata-cache/nestjs';
import { of, type Observable } from 'rxjs';
import { HOSTS, startApp, type HttpApp } from './hosts.js';

/** A controller with one handler, decorated as given. */
function controllerWith(options: HttpCacheOptions, ...decorators: MethodDecorator[]): Type {
  @Controller()
  class OneController {
    one(): object {
      return {};
    }
  }
  const { prototype } = OneController;
  const descriptor = Object.getOwnPropertyDescriptor(prototype, 'one')!;
  for (const decorate of [Get('one'), HttpCache(options), ...decorators]) decorate(prototype, 'one', descriptor);
  return OneController;
}

const version = (): string => '1';

describe('what contradicts itself is refused when it is written', () => {
  it.each<[string, HttpCacheOptions, RegExp]>([
    ['an unknown option', { maxage: '1m' } as never, /unknown option "maxage"/],
    ['a bare number', { maxAge: 60 }, /60 means 60 ms/],
    ['sMaxAge, private', { sMaxAge: '1m' }, /sMaxAge with scope 'private'/],
    ['cdn, private', { cdn: { maxAge: '1m' } }, /cdn with scope 'private'/],
    ['immutable alone', { immutable: true }, /immutable without maxAge/],
    ['staleWhileRevalidate alone', { staleWhileRevalidate: '1m' }, /without maxAge/],
    ['staleIfError alone', { staleIfError: '1m' }, /without maxAge/],
    ['mustRevalidate and stale', { maxAge: '1m', mustRevalidate: true, staleIfError: '1m' }, /mustRevalidate with/],
    ['none and store', { scope: 'none', store: true }, /store with scope 'none'/],
    ['none and maxAge', { scope: 'none', maxAge: '1m' }, /maxAge with scope 'none'/],
    ['store, private, for nobody in particular', { store: true }, /store with scope 'private'/],
    ['vary: *', { vary: ['*'] }, /vary: '\*'/],
    ['vary: cookie, public', { scope: 'public', vary: ['Cookie'] }, /vary: cookie with scope 'public'/],
    ['vary: authorization, public', { scope: 'public', vary: ['authorization'] }, /vary: authorization/],
    ['vary: user-agent, public', { scope: 'public', vary: ['user-agent'] }, /vary: user-agent/],
    ['vary with a line break', { vary: ['a\r\nb'] }, /vary: expected names/],
    ['tags that are none', { tags: 'a' as never }, /tags: expected/],
    ['errors that are none', { errors: { 200: {} } }, /errors: expected statuses/],
    ['a store option nobody knows', { scope: 'public', store: { max: 1 } as never }, /store: unknown option "max"/],
    ['a body limit that is none', { scope: 'public', store: { maxBodyBytes: '1 mb' as never } }, /maxBodyBytes/],
  ])('%s', (_name, options, message) => {
    expect(() => controllerWith(options)).toThrow(message);
  });

  it('names the method and the remedy', () => {
    expect(() => controllerWith({ sMaxAge: '1m' })).toThrow(
      "OneController.one: @HttpCache: sMaxAge with scope 'private' contradict each other: shared caches store public " +
        "responses only: use maxAge, or scope: 'public'.",
    );
    expect(() => Precondition({} as never)({}, 'x', { value: () => 1 })).toThrow(/version: expected a function/);
    expect(() => Precondition({ version, strict: true } as never)({}, 'x', { value: () => 1 })).toThrow(/'strict'/);
  });
});

describe.each(HOSTS)('what only the application knows is refused at boot on %s', (host) => {
  let app: HttpApp | undefined;
  afterEach(async () => {
    await app?.close();
    app = undefined;
  });
  const boot = async (...controllers: Type[]): Promise<unknown> => (app = await startApp(host, { controllers }));
  const stored: HttpCacheOptions = { scope: 'public', maxAge: '1m', store: true };

  it.each<[string, () => Type, RegExp]>([
    ['store on @Redirect', () => controllerWith(stored, Redirect('/x')), /'store' does not work with @Sse, @Render/],
    ['store on @Render', () => controllerWith(stored, Render('x')), /'store' does not work with @Sse, @Render/],
    ['store on @Sse', () => controllerWith(stored, Sse('x')), /'store' does not work with @Sse, @Render/],
    ['store on @Post', () => controllerWith(stored, Post('x')), /'store' does not work with a POST handler/],
    [
      '@Precondition on @Redirect',
      () => controllerWith({}, Redirect('/x'), Precondition({ version })),
      /@Precondition/,
    ],
  ])('%s', async (_name, controller, message) => {
    await expect(boot(controller())).rejects.toThrow(message);
  });

  it('store where the handler answers itself', async () => {
    @Controller()
    class ManualController {
      @Get('x')
      @HttpCache(stored)
      x(@Res() response: any): void {
        response.send('x');
      }
    }
    await expect(boot(ManualController)).rejects.toThrow(/passthrough: true, or set store: { manual: true }/);
  });

  it.each([
    ['with the same version', 'x', 'y', version],
    ['on the same path', ':id', ':productId', () => '1'],
  ])('weak tags where If-Match compares them, %s', async (_name, read, write, compared) => {
    const controller = (etag: 'weak' | undefined): Type => {
      @Controller()
      class LockedController {
        @Get(read)
        @HttpCache({ version, etag })
        read(): object {
          return {};
        }
        @Put(write)
        @Precondition({ version: compared })
        write(): object {
          return {};
        }
      }
      return LockedController;
    };
    await expect(boot(controller('weak'))).rejects.toThrow(
      /LockedController\.read: the version makes a weak entity tag/,
    );
    // Nothing said, they are strong there.
    await boot(controller(undefined));
    const { headers } = await app!.send('/x');
    expect(headers.etag).toMatch(/^"1~/);
    expect((await app!.send('/y', { method: 'PUT', headers: { 'if-match': headers.etag } })).status).toBe(200);
    expect((await app!.send('/y', { method: 'PUT', headers: { 'if-match': `W/${headers.etag}` } })).status).toBe(412);
  });

  it('what a class and its handler say together', async () => {
    @Controller()
    @HttpCache({ sMaxAge: '1m' })
    class ClassController {
      @Get('x')
      @HttpCache({ maxAge: '1m' })
      x(): object {
        return {};
      }
    }
    await expect(boot(ClassController)).rejects.toThrow(/ClassController\.x: @HttpCache: sMaxAge with scope 'private'/);
  });

  it('and leaves no engine open, for Nest calls no shutdown hook then', async () => {
    const testing = await Test.createTestingModule({
      imports: [CacheModule.forRoot({ namespace: 'boot' })],
      controllers: [controllerWith(stored, Redirect('/x'))],
    }).compile();
    const nest = testing.createNestApplication(host === 'Express' ? new ExpressAdapter() : new FastifyAdapter(), {
      logger: false,
    } as never);
    const close = jest.spyOn(nest.get(Strata), 'close');
    await expect(nest.init()).rejects.toThrow(/'store' does not work/);
    expect(close).toHaveBeenCalledTimes(1);
  });

  it.each<[HttpCacheModuleOptions, RegExp]>([
    [{ everywhere: true } as never, /http: unknown option "everywhere"/],
    [{ tagHeaders: ['x-tags'] }, /http: tagHeaders: expected an array of surrogate-key/],
    [{ targeted: ['a b'] }, /http: targeted: expected/],
    [{ identity: { cookies: 'sid' as never } }, /http\.identity: cookies: expected/],
    [{ cacheStatus: { name: 'a b' } }, /http\.cacheStatus: name: expected a token/],
    [{ salt: 1 as never }, /http: salt: expected a string/],
  ])('module options: %j', async (http, message) => {
    await expect(startApp(host, { controllers: [], http })).rejects.toThrow(message);
  });

  it('@NoHttpCache() takes a handler out of its class', async () => {
    @Controller()
    @HttpCache({ scope: 'public', maxAge: '1m' })
    class MixedController {
      @Get('in')
      in(): object {
        return {};
      }
      @Get('out')
      @NoHttpCache()
      out(): object {
        return {};
      }
    }
    await boot(MixedController);
    expect((await app!.send('/in')).headers['cache-control']).toBe('public, max-age=60');
    const out = await app!.send('/out');
    expect(out.headers['cache-control']).toBe('no-store');
  });

  it.each([
    [VersioningType.HEADER, { header: 'X-Api' }, 'x-api', (v: string) => v],
    [VersioningType.MEDIA_TYPE, { key: 'v=' }, 'accept', (v: string) => `application/json;v=${v}`],
  ])('the field a version is taken from is part of Vary (%s)', async (type, options, field, value) => {
    @Controller()
    class VersionedController {
      runs = 0;
      @Get('x')
      @Version('1')
      @HttpCache(stored)
      one(): object {
        return { api: 1, run: ++this.runs };
      }
      @Get('x')
      @Version('2')
      @HttpCache(stored)
      two(): object {
        return { api: 2, run: ++this.runs };
      }
    }
    app = await startApp(host, {
      controllers: [VersionedController],
      configure: (nest) => nest.enableVersioning({ type, ...options } as never),
    });
    for (const api of ['1', '2', '1', '2']) {
      const { body, headers } = await app.send('/x', { headers: { [field]: value(api) } });
      expect(JSON.parse(body).api).toBe(Number(api));
      expect(headers.vary.toLowerCase()).toBe(field);
    }
    expect(app.get(VersionedController).runs).toBe(2);
  });
});

describe.each(HOSTS)('where it is switched off on %s', (host) => {
  it('nothing changes without decorator, or without interceptor', async () => {
    @Controller()
    class PlainController {
      @Get('plain')
      @Header('X-Own', '1')
      plain(): object {
        return {};
      }
      @Get('decorated')
      @HttpCache({ scope: 'public', maxAge: '1m' })
      decorated(): object {
        return {};
      }
      @Sse('events')
      events(): Observable<object> {
        return of({ data: 1 });
      }
    }
    for (const [global, expected] of [
      [true, 'public, max-age=60'],
      [false, undefined],
    ] as const) {
      const app = await startApp(host, { controllers: [PlainController], http: { global } });
      expect((await app.send('/plain')).headers['cache-control']).toBeUndefined();
      expect((await app.send('/decorated')).headers['cache-control']).toBe(expected);
      await app.close();
    }
  });
});
