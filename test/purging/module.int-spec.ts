import 'reflect-metadata';
import { Injectable, Module, type INestApplicationContext, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { applyEvent } from '@strata-cache/core';
import { FakeClock, settle } from '@strata-cache/core/testing';
import {
  CacheEvict,
  CacheModule,
  defineCache,
  PurgeService,
  Strata,
  varnishPurger,
  type CacheModuleOptions,
} from '@strata-cache/nestjs';
import { stopAll } from '../support/process-keeper.js';
import { RecordingPurger } from './purging-kit.js';
import { json, RecordedApi } from './recorded-api.js';

const productCache = defineCache<[id: string], string>({
  name: 'product',
  version: 1,
  owner: 'Products',
  key: (id) => id,
  ttl: '1m',
  invalidatedBy: {
    'product.changed': (event: { id: string }) => ({ keys: [event.id], tags: [`product:${event.id}`] }),
  },
});

@Injectable()
class Products {
  @CacheEvict(productCache, { args: (id) => id, tags: (_result, id) => [`product:${id}`] })
  async rename(id: string): Promise<string> {
    return id;
  }
}

const apps: INestApplicationContext[] = [];
afterEach(async () => {
  await Promise.all(apps.splice(0).map(async (app) => app.close()));
});
afterAll(stopAll);

async function application(options: CacheModuleOptions): Promise<INestApplicationContext> {
  @Module({ imports: [CacheModule.forRoot({ namespace: 'purging', ...options })], providers: [Products] })
  class AppModule {}
  const app = await NestFactory.createApplicationContext(AppModule as Type, { logger: false, abortOnError: false });
  app.enableShutdownHooks();
  apps.push(app);
  return app;
}

describe('CacheModule.forRoot({ http: { purgers } })', () => {
  it('a decorator and invalidateTags reach the CDN once the method has returned; keys alone do not', async () => {
    const clock = new FakeClock();
    const purger = new RecordingPurger(clock);
    const app = await application({ clock, http: { purgers: [purger] } });
    await app.get(Products).rename('42');
    await app.get(Strata).invalidateTags(['home']);
    await app.get(Strata).cache(productCache).delete('43');
    await settle();
    expect(purger.batches).toEqual([]);
    await clock.advance(60);
    expect(purger.names).toEqual([['product:42', 'home']]);
    await clock.advance(6_000);
    expect(purger.names).toEqual([
      ['product:42', 'home'],
      ['product:42', 'home'],
    ]);
  });

  it('an event of another service reaches it as well', async () => {
    const clock = new FakeClock();
    const purger = new RecordingPurger(clock);
    const app = await application({ clock, http: { purgers: [purger] } });
    expect(await applyEvent(app.get(Strata), [productCache], 'product.changed', { id: '7' })).toMatchObject({
      acknowledged: true,
      failures: [],
    });
    await settle();
    await clock.advance(60);
    expect(purger.names).toEqual([['product:7']]);
  });

  it('a CDN that fails never fails the method that changed something', async () => {
    const clock = new FakeClock();
    const purger = new RecordingPurger(clock);
    purger.answer(async () => {
      throw new Error('down');
    });
    const app = await application({ clock, http: { purgers: [purger] } });
    expect(await app.get(Products).rename('42')).toBe('42');
    await settle();
    await clock.advance(400);
    expect(app.get(PurgeService).figures()[0]).toMatchObject({ purged: 1, retries: 1 });
  });

  it('what waits is sent when the application shuts down', async () => {
    const api = await RecordedApi.start(json(200, {}));
    const app = await application({
      http: { purgers: [varnishPurger({ endpoints: api.url })], purging: { window: '10s', repeatAfter: false } },
    });
    await app.get(Products).rename('42');
    expect(api.requests).toEqual([]);
    await app.close();
    expect(api.requests.map(({ headers }) => headers.find(([name]) => name === 'xkey-softpurge'))).toEqual([
      ['xkey-softpurge', 'product:42 strata:too-many-tags'],
    ]);
  });

  it('without purgers the service is there and does nothing', async () => {
    const app = await application({});
    const purges = app.get(PurgeService);
    purges.purgeTags(['a']);
    expect([purges.isIdle, purges.figures()]).toEqual([true, []]);
  });

  it.each<[string, CacheModuleOptions, RegExp]>([
    ['no purger', { http: { purgers: [{} as any] } }, /http\.purgers: expected an array/],
    ['not an array', { http: { purgers: 'x' as any } }, /http\.purgers: expected an array/],
    ['unknown', { http: { purging: { nonsense: 1 } as any } }, /http\.purging: unknown option "nonsense"/],
    ['seconds', { http: { purging: { giveUpAfter: 60 } } }, /60 means 60 ms/],
    ['limit', { http: { purging: { maxTagsPerFlush: 0 } } }, /maxTagsPerFlush: expected a whole number from 1/],
  ])('a wrong option fails the boot: %s', async (_, options, message) => {
    await expect(application(options)).rejects.toThrow(message);
  });
});
