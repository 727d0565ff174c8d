import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  Controller,
  Get,
  Next,
  Redirect,
  Render,
  Req,
  RequestMethod,
  Res,
  Sse,
  Version,
  NotFoundException,
} from '@nestjs/common';
import * as internal from '@nestjs/common/internal';
import { HttpCache, type HttpCacheOptions } from '@strata-cache/nestjs';
import { parseDictionary, parseList } from 'structured-headers';
import { ROUTE_METADATA } from '../../libs/nestjs/src/http-cache/http-routes.js';
import { HOSTS, startApp, type HttpApp } from './hosts.js';

const OPTIONS: Readonly<Record<string, HttpCacheOptions>> = {
  bare: {},
  private: { maxAge: '90s' },
  public: { scope: 'public' },
  fresh: { scope: 'public', maxAge: '5m', sMaxAge: '1h' },
  shared: { scope: 'public', sMaxAge: '1h' },
  windows: { scope: 'public', maxAge: '1m', staleWhileRevalidate: '30s', staleIfError: '1d' },
  strict: { scope: 'public', maxAge: '1m', mustRevalidate: true, noTransform: true },
  immutable: { scope: 'public', maxAge: '365d', immutable: true },
  none: { scope: 'none' },
  zero: { maxAge: 0 },
  fraction: { maxAge: '1500ms' },
};

const EXPECTED: Readonly<Record<string, string>> = {
  bare: 'private, no-cache',
  private: 'private, max-age=90',
  public: 'public, no-cache',
  fresh: 'public, max-age=300, s-maxage=3600',
  shared: 'public, s-maxage=3600',
  windows: 'public, max-age=60, stale-while-revalidate=30, stale-if-error=86400',
  strict: 'public, max-age=60, must-revalidate, no-transform',
  immutable: 'public, max-age=31536000, immutable',
  none: 'no-store',
  zero: 'private, max-age=0',
  fraction: 'private, max-age=1',
};

/** What the same routes say to a request with credentials. */
const EXPECTED_WITH_CREDENTIALS: Readonly<Record<string, string>> = {
  ...EXPECTED,
  public: 'private, no-cache',
  fresh: 'private, max-age=300',
  shared: 'private, no-cache',
  windows: 'private, max-age=60, stale-while-revalidate=30, stale-if-error=86400',
  strict: 'private, max-age=60, must-revalidate, no-transform',
  immutable: 'private, max-age=31536000, immutable',
};

@Controller('policy')
class PolicyController {}
for (const [name, options] of Object.entries(OPTIONS)) {
  const descriptor = { value: () => ({ name }), configurable: true, writable: true, enumerable: false };
  Object.defineProperty(descriptor.value, 'name', { value: name });
  Object.defineProperty(PolicyController.prototype, name, descriptor);
  for (const decorate of [Get(name), HttpCache(options)]) decorate(PolicyController.prototype, name, descriptor);
}

@Controller()
class FieldsController {
  @Get('cors')
  @HttpCache({ scope: 'public', maxAge: '1m', vary: ['Accept-Language', 'origin'], store: true })
  cors(): object {
    return {};
  }

  @Get('cdn')
  @HttpCache({
    scope: 'public',
    maxAge: '1m',
    cdn: { maxAge: '1h', staleWhileRevalidate: '5m' },
    tags: ['Product:1', 'all'],
  })
  cdn(): object {
    return {};
  }

  @Get('missing')
  @HttpCache({
    scope: 'public',
    maxAge: '1m',
    cdn: { maxAge: '1h' },
    tags: ['a'],
    vary: ['accept-language'],
    version: () => 1,
  })
  missing(): never {
    throw new NotFoundException();
  }

  @Get('own')
  @HttpCache({ scope: 'public', maxAge: '1m', cdn: { maxAge: '1h' }, tags: ['a'] })
  own(@Res({ passthrough: true }) response: any): object {
    (response.raw ? response.header : response.setHeader).bind(response)('Cache-Control', 'public, max-age=7');
    return {};
  }

  @Get('upstream')
  @HttpCache({ scope: 'public', maxAge: '1m', store: true })
  upstream(@Res({ passthrough: true }) response: any): object {
    (response.raw ? response.header : response.setHeader).bind(response)('Cache-Status', 'inner; fwd=miss');
    return {};
  }

  @Get('conditional')
  @HttpCache({
    scope: 'public',
    maxAge: '1m',
    if: (context) => context.switchToHttp().getRequest<any>().query.on === '1',
  })
  conditional(): object {
    return {};
  }
}

describe.each(HOSTS)('fields on %s', (host) => {
  let app: HttpApp;
  beforeAll(async () => {
    app = await startApp(host, {
      controllers: [PolicyController as never, FieldsController],
      http: {
        global: true,
        targeted: ['CDN-Cache-Control', 'Cloudflare-CDN-Cache-Control'],
        tagHeaders: ['Surrogate-Key', 'Cache-Tag', 'Edge-Cache-Tag', 'xkey', 'Cache-Groups'],
      },
      configure: (nest) => nest.enableCors({ origin: ['http://a.example', 'http://b.example'], credentials: true }),
    });
  });
  afterAll(() => app.close());

  it.each(Object.keys(OPTIONS))('Cache-Control of %s', async (name) => {
    expect((await app.send(`/policy/${name}`)).headers['cache-control']).toBe(EXPECTED[name]);
    const { headers } = await app.send(`/policy/${name}`, { headers: { authorization: 'x' } });
    expect(headers['cache-control']).toBe(EXPECTED_WITH_CREDENTIALS[name]);
  });

  it('Vary is appended to, each name once, and CORS fields are of the request at hand', async () => {
    for (const origin of ['http://a.example', 'http://b.example', 'http://a.example']) {
      const { headers } = await app.send('/cors', { headers: { origin } });
      expect(headers['access-control-allow-origin']).toBe(origin);
      const names = headers.vary.toLowerCase().split(', ');
      expect(names.sort()).toEqual(['accept-language', 'origin']);
    }
    expect((await app.send('/cors', { headers: { origin: 'http://a.example' } })).headers['cache-status']).toMatch(
      /hit/,
    );
  });

  it('CDNs are told what is theirs, in syntax of theirs', async () => {
    const { headers } = await app.send('/cdn');
    for (const name of ['cdn-cache-control', 'cloudflare-cdn-cache-control']) {
      expect([...parseDictionary(headers[name])].map(([key, [value]]) => [key, value])).toEqual([
        ['max-age', 3_600],
        ['stale-while-revalidate', 300],
      ]);
    }
    expect(headers['surrogate-key']).toBe('product:1 all');
    expect(headers['cache-tag']).toBe('product:1,all');
    expect(headers['edge-cache-tag']).toBe('product:1,all');
    expect(headers.xkey).toBe('product:1 all');
    expect(parseList(headers['cache-groups']).map(([item]) => item)).toEqual(['product:1', 'all']);
  });

  it('an error says nothing of that', async () => {
    const { status, headers } = await app.send('/missing');
    expect([status, headers['cache-control']]).toEqual([404, 'no-store']);
    for (const name of ['etag', 'cdn-cache-control', 'surrogate-key', 'cache-tag', 'xkey', 'cache-groups']) {
      expect(headers).not.toHaveProperty(name);
    }
    expect(headers.vary.toLowerCase()).toContain('accept-language');
  });

  it('what the handler set itself stands', async () => {
    const { headers } = await app.send('/own');
    expect(headers['cache-control']).toBe('public, max-age=7');
    expect(headers).not.toHaveProperty('cdn-cache-control');
    expect(headers['surrogate-key']).toBe('a');
  });

  it('Cache-Status keeps what stood there, and parses as a list', async () => {
    const members = parseList((await app.send('/upstream')).headers['cache-status']);
    expect(members.map(([item]) => String(item))).toEqual(['inner', 'strata']);
    const hit = parseList((await app.send('/upstream')).headers['cache-status']);
    expect(hit.map(([item, parameters]) => [String(item), ...parameters.keys()])).toEqual([['strata', 'hit', 'ttl']]);
  });

  it('a request that does not take part is left alone', async () => {
    expect((await app.send('/conditional')).headers).not.toHaveProperty('cache-control');
    expect((await app.send('/conditional?on=1')).headers['cache-control']).toBe('public, max-age=60');
  });
});

describe('keys of Nest’s metadata', () => {
  it('are those its decorators write', () => {
    class Decorated {
      @Get('x')
      @Redirect('/y')
      @Render('z')
      @Version('1')
      redirected(@Req() _request: unknown, @Res() _response: unknown, @Next() _next: unknown): void {}

      @Sse('s')
      events(@Res({ passthrough: true }) _response: unknown): void {}
    }
    const { redirected, events } = Decorated.prototype;
    for (const key of ['redirect', 'render', 'version'] as const) {
      expect(Reflect.hasMetadata(ROUTE_METADATA[key], redirected)).toBe(true);
    }
    expect(Reflect.getMetadata(ROUTE_METADATA.method, redirected)).toBe(RequestMethod.GET);
    expect(Reflect.getMetadata(ROUTE_METADATA.path, redirected)).toBe('x');
    expect(Reflect.getMetadata(ROUTE_METADATA.sse, events)).toBe(true);
    expect(Object.keys(Reflect.getMetadata(ROUTE_METADATA.args, Decorated, 'redirected')).sort()).toEqual([
      '0:0',
      '1:1',
      '2:2',
    ]);
    expect(Reflect.getMetadata(ROUTE_METADATA.passthrough, Decorated, 'events')).toBe(true);
    expect(Reflect.getMetadata(ROUTE_METADATA.passthrough, Decorated, 'redirected')).toBeUndefined();
    const { RouteParamtypes } = internal as unknown as { RouteParamtypes: Record<string, number> };
    expect([RouteParamtypes.RESPONSE, RouteParamtypes.NEXT]).toEqual([1, 2]);
  });
});
