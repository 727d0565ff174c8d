import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Module, Put } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { CacheModule, HttpCache, HttpCacheService, Strata } from '@strata-cache/nestjs';
import request from 'supertest';
import { HOSTS, startApp, type HttpApp } from './hosts.js';

@Controller()
class ItemController {
  runs = 0;

  @Get('item')
  @HttpCache({ scope: 'public', maxAge: '1m', store: true })
  item(): object {
    return { run: ++this.runs };
  }

  @Put('item')
  put(): object {
    return {};
  }
}

describe.each(HOSTS)('settings of an application on %s', (host) => {
  let app: HttpApp | undefined;
  afterEach(async () => {
    await app?.close();
    app = undefined;
  });
  const statusOf = async (headers: object): Promise<string | undefined> =>
    (await app!.send('/item', { headers: headers as Record<string, string> })).headers['cache-status'];

  it('which cookies and fields name a user', async () => {
    app = await startApp(host, {
      controllers: [ItemController],
      http: { global: true, identity: { headers: ['X-Api-Key'], cookies: ['sid'] } },
    });
    await app.send('/item');
    for (const headers of [{ cookie: 'theme=dark' }, { cookie: 'a=b; xsid=1' }]) {
      expect(await statusOf(headers)).toMatch(/; hit;/);
    }
    for (const headers of [{ cookie: 'a=b; sid=1' }, { 'x-api-key': '1' }]) {
      expect(await statusOf(headers)).toMatch(/fwd=bypass/);
    }
    // No longer named, but RFC 9111 section 3.5 goes on to hold: this one is public.
    expect(await statusOf({ authorization: 'x' })).toMatch(/; hit;/);
  });

  it('reload directives of clients, where they are trusted', async () => {
    app = await startApp(host, { controllers: [ItemController], http: { global: true, honorRequestDirectives: true } });
    await app.send('/item');
    await app.clock.advance(10_000);
    expect(await statusOf({ 'cache-control': 'max-age=20' })).toMatch(/; hit;/);
    expect(await statusOf({ 'cache-control': 'min-fresh=60' })).toBe('strata; fwd=request; stored');
    for (const headers of [{ 'cache-control': 'no-cache' }, { pragma: 'no-cache' }]) {
      expect(await statusOf(headers)).toBe('strata; fwd=request; stored');
    }
    await app.clock.advance(5_000);
    expect(await statusOf({ 'cache-control': 'max-age=4' })).toBe('strata; fwd=request; stored');
    expect(app.get(ItemController).runs).toBe(5);
  });

  it('Cache-Status under another name, with reasons, or not at all', async () => {
    app = await startApp(host, {
      controllers: [ItemController],
      http: { global: true, cacheStatus: { name: 'shop', detail: true } },
    });
    expect(await statusOf({})).toBe('shop; fwd=uri-miss; stored');
    expect(await statusOf({ cookie: 'a=b' })).toBe('shop; fwd=bypass; detail=cookie');
    await app.close();
    app = await startApp(host, { controllers: [ItemController], http: { global: true, cacheStatus: false } });
    expect(await statusOf({})).toBeUndefined();
  });

  it('another release has entries and version tags of its own', async () => {
    const tags: string[] = [];
    for (const salt of ['1', '2']) {
      @Controller()
      class VersionedController {
        @Get('item')
        @HttpCache({ version: () => 1 })
        item(): object {
          return {};
        }
      }
      app = await startApp(host, { controllers: [VersionedController], http: { global: true, salt } });
      tags.push((await app.send('/item')).headers.etag);
      await app.close();
    }
    app = undefined;
    expect(tags[0]).not.toBe(tags[1]);
  });

  it('without an engine, e.g. a stand-in in a test, nothing is stored and everything works', async () => {
    const testing = await Test.createTestingModule({
      imports: [CacheModule.forRoot({ http: { global: true } })],
      controllers: [ItemController],
    })
      .overrideProvider(Strata)
      .useValue({})
      .compile();
    const adapter = host === 'Express' ? new ExpressAdapter() : new FastifyAdapter();
    const nest = testing.createNestApplication(adapter as never, { logger: false });
    await nest.init();
    await (nest as unknown as NestFastifyApplication).getHttpAdapter().getInstance().ready?.();
    for (const run of [1, 2]) {
      const { body, headers } = await request(nest.getHttpServer()).get('/item').expect(200);
      expect(body).toEqual({ run });
      expect(headers['cache-control']).toBe('public, max-age=60');
    }
    await request(nest.getHttpServer()).put('/item').expect(200);
    expect(nest.get(HttpCacheService).stats()).toBeUndefined();
    await nest.close();
  });
});

describe('an application without HTTP', () => {
  it('boots, and has the service', async () => {
    @Module({ imports: [CacheModule.forRoot({ namespace: 'none', http: { global: true } })] })
    class WorkerModule {}
    const context = await NestFactory.createApplicationContext(WorkerModule, { logger: false });
    await expect(context.get(HttpCacheService).invalidateTags(['a'])).resolves.toEqual({ acknowledged: true });
    await context.close();
  });
});
