import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { AddressInfo } from 'node:net';
import { VersioningType, type INestApplication, type Type } from '@nestjs/common';
import { APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { Test } from '@nestjs/testing';
import { HttpCacheInterceptor, Strata } from '@strata-cache/nestjs';
import { CacheTestingModule } from '@strata-cache/nestjs/testing';
import { eventually } from '../support/eventually.js';
import {
  EarlyController,
  FirstHeir,
  FunctionHeaderController,
  GuardedController,
  GuardedMethodController,
  HostController,
  PlainController,
  RequestController,
  RequestGuard,
  SecondHeir,
  seen,
  TellingGuard,
  TellingInterceptor,
} from './early-app.js';
import { HOSTS, startApp, type HttpApp, type HttpAppOptions } from './hosts.js';
import { send, type RawResponse, type SendOptions } from './raw-request.js';

const apps: HttpApp[] = [];

beforeEach(() => void seen.splice(0));
afterEach(async () => {
  for (const app of apps.splice(0)) await app.close();
});

describe.each(HOSTS)('an answer ahead of the pipeline on %s', (host) => {
  const start = async (options: HttpAppOptions): Promise<HttpApp> => {
    const app = await startApp(host, options);
    apps.push(app);
    return app;
  };
  const request = (path: string, headers: Record<string, string> = {}, method = 'GET'): [string, SendOptions] => [
    path,
    { method, headers },
  ];

  it('cannot be told from one of the interceptor', async () => {
    const [early, late] = [
      await start({ controllers: [EarlyController], http: { global: true, early: true } }),
      await start({ controllers: [EarlyController], http: { global: true, early: false } }),
    ];
    const tag = String((await early.send('/version')).headers.etag);
    await late.send('/version');
    const steps = [
      request('/version', { 'if-none-match': tag }),
      request('/version', { 'if-none-match': '"other"' }),
      request('/version', { 'if-none-match': tag }, 'HEAD'),
      request('/version', { 'if-none-match': tag, authorization: 'x' }),
      request('/version', { 'if-match': '"other"' }),
      request('/later', { 'if-none-match': '*' }),
      request('/later'),
      request('/later', { 'if-match': '"other"' }),
      request('/strong', { 'if-none-match': '*' }),
      request('/strong'),
      request('/stored', { 'x-a': '1' }),
      request('/stored', { 'x-a': '1' }),
      request('/stored', { 'x-a': '1' }, 'HEAD'),
      request('/stored', { 'x-a': '1', 'if-none-match': '*' }),
      request('/stored', { 'x-a': '2' }),
      request('/stored', { 'x-a': '1', cookie: 'user=1' }),
      request('/stored', { 'x-a': '1', range: 'bytes=0-1' }),
      request('/stored', { 'x-a': '3', 'cache-control': 'only-if-cached' }),
      request('/both'),
      request('/both'),
      request('/both', { 'if-none-match': '*' }),
      request('/both', { 'if-match': '"other"' }),
      request('/cookie'),
      request('/cookie'),
      request('/if'),
      request('/if', { 'x-if': '1' }),
      request('/if'),
      request('/failing-version'),
      request('/rejecting-version'),
      request('/absent'),
      request('/handler-fails'),
      request('/handler-fails'),
      request('/stored', { 'x-a': '1' }, 'POST'),
    ];
    for (const [path, options] of steps) {
      const sent = JSON.stringify([path, options]);
      seen.length = 0;
      const ahead = await early.send(path, options);
      const asked = seen.splice(0);
      const behind = await late.send(path, options);
      expect([sent, ...facts(ahead)]).toEqual([sent, ...facts(behind)]);
      // As often as the interceptor asks.
      expect([sent, asked]).toEqual([sent, seen.map(() => 'early')]);
    }
    expect(countsOf(early)).toEqual(countsOf(late));
    expect(early.get(EarlyController).runs).toBe(late.get(EarlyController).runs);
  });

  it('is stale while its response is renewed behind it', async () => {
    for (const early of [true, false]) {
      const app = await start({ controllers: [EarlyController], http: { global: true, early } });
      expect((await app.send('/stale')).body).toBe('{"data":{"run":1}}');
      await app.clock.advance(20_000);
      const stale = await app.send('/stale');
      expect(stale.body).toBe('{"data":{"run":1}}');
      expect(stale.headers['cache-status']).toBe('strata; hit; ttl=-10');
      await eventually(async () => (await app.send('/stale')).body === '{"data":{"run":2}}');
      expect(app.get(EarlyController).runs).toBe(2);
    }
  });

  it('comes after the middleware of the application, and is sent through its hooks', async () => {
    const app = await start({
      controllers: [PlainController],
      configure: (created) => {
        created.use((_request: object, response: any, next: () => void) => {
          seen.push('middleware');
          response.setHeader('X-Middleware', 'ran');
          next();
        });
        if (host === 'Fastify') {
          const instance = created.getHttpAdapter().getInstance();
          instance.addHook('onSend', async (_request: object, reply: any) => void reply.header('X-Hook', 'ran'));
        }
      },
    });
    const { status, headers } = await app.send('/one', { headers: { 'if-none-match': '*' } });
    expect([status, headers['x-middleware'], headers['x-hook']]).toEqual([
      304,
      'ran',
      host === 'Fastify' ? 'ran' : undefined,
    ]);
    expect(seen).toEqual(['middleware', 'early']);
  });

  it('is given where other interceptors come behind ours', async () => {
    const behind = { provide: APP_INTERCEPTOR, useClass: TellingInterceptor };
    const app = await start({ controllers: [PlainController], providers: [behind] });
    expect((await app.send('/one', { headers: { 'if-none-match': '*' } })).status).toBe(304);
    expect(seen).toEqual(['early']);
  });

  const versioned =
    (type: VersioningType): ((app: INestApplication) => unknown) =>
    (app) =>
      app.enableVersioning({ type, header: 'X-V', key: 'v=', defaultVersion: '1' } as never);

  it.each<[string, Type[], Omit<HttpAppOptions, 'controllers'>, string[]]>([
    ['a guard of the controller', [GuardedController], { providers: [TellingGuard] }, ['guard', 'version']],
    ['a guard of the method', [GuardedMethodController], { providers: [TellingGuard] }, ['guard', 'version']],
    [
      'a global guard',
      [PlainController],
      { configure: (app) => app.useGlobalGuards(new TellingGuard()) },
      ['guard', 'version'],
    ],
    [
      'a global guard of a module',
      [PlainController],
      { providers: [{ provide: APP_GUARD, useClass: TellingGuard }] },
      ['guard', 'version'],
    ],
    [
      'a global guard of the request',
      [PlainController],
      { providers: [{ provide: APP_GUARD, useClass: RequestGuard }] },
      ['guard', 'version'],
    ],
    ['a controller of the request', [RequestController], {}, ['instance', 'version']],
    ['a controller bound to a host', [HostController], {}, ['version']],
    ['a version in a field', [PlainController], { configure: versioned(VersioningType.HEADER) }, ['version']],
    ['a function for a field', [FunctionHeaderController], {}, ['header', 'version']],
    ['a handler of two controllers', [FirstHeir, SecondHeir], {}, ['version']],
    [
      'instrumentation of routes',
      [PlainController],
      { configure: (app) => (app.getHttpAdapter() as any).setOnRouteTriggered(() => seen.push('triggered')) },
      ['triggered', 'version'],
    ],
  ])('is not given past %s', async (_name, controllers, options, expected) => {
    const app = await start({ controllers, ...options });
    const answer = await app.send('/one', { headers: { 'if-none-match': '*', 'x-v': '1' } });
    expect([answer.status, seen]).toEqual([304, expected]);
  });

  it('is not given past an interceptor in front of ours', async () => {
    const app = await start({
      controllers: [PlainController],
      http: { global: false },
      providers: [TellingInterceptor],
      configure: (created) =>
        created.useGlobalInterceptors(new TellingInterceptor(), created.get(HttpCacheInterceptor)),
    });
    expect((await app.send('/one', { headers: { 'if-none-match': '*' } })).status).toBe(304);
    expect(seen).toEqual(['interceptor', 'version']);
  });

  it('is not given where nobody has bound the interceptor', async () => {
    const app = await start({ controllers: [PlainController], http: { global: false } });
    expect((await app.send('/one')).headers['cache-control']).toBeUndefined();
    expect(seen).toEqual([]);
  });

  it('is not given past one that was put in place of ours', async () => {
    const app = await start({
      controllers: [PlainController],
      http: { global: false },
      configure: (created) =>
        created.useGlobalInterceptors({
          intercept: (context, next) => created.get(HttpCacheInterceptor).intercept(context, next),
        }),
    });
    expect((await app.send('/one', { headers: { 'if-none-match': '*' } })).status).toBe(304);
    expect(seen).toEqual(['version']);
  });
});

it('is not given where two applications share an adapter: whose route is registered nobody can tell', async () => {
  const adapter = new ExpressAdapter();
  const created: INestApplication[] = [];
  for (const path of ['first', 'second']) {
    const imports = [CacheTestingModule.forRoot({ http: { global: true } })];
    const testing = await Test.createTestingModule({ imports, controllers: [PlainController] }).compile();
    const app = testing.createNestApplication(adapter, { logger: false });
    app.setGlobalPrefix(path);
    created.push(app);
  }
  try {
    for (const app of created) await app.init();
    await created[1].listen(0, '127.0.0.1');
    const { port } = created[1].getHttpServer().address() as AddressInfo;
    for (const path of ['/first/one', '/second/one']) {
      expect((await send(port, path, { headers: { 'if-none-match': '*' } })).status).toBe(304);
    }
    expect(seen).toEqual(['version', 'version']);
  } finally {
    for (const app of created) await app.close();
  }
});

/** Everything but when it was sent. */
function facts({ status, rawHeaders, body }: RawResponse): unknown[] {
  const fields = rawHeaders.map((text, index) =>
    index % 2 === 1 && /^date$/i.test(rawHeaders[index - 1]) ? '' : text,
  );
  return [status, fields, body];
}

function countsOf(app: HttpApp): unknown[] {
  const strata = app.get(Strata as never as new () => Strata);
  return [...strata.counts()].filter(({ name }) => name === 'responses').map(({ labels, value }) => [labels, value]);
}
