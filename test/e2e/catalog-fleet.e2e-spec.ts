import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { Strata } from '@strata-cache/nestjs';
import request from 'supertest';
import { createApp } from '../../apps/catalog/src/create-app.js';
import { CatalogDatabase } from '../../apps/catalog/src/database/catalog-database.js';
import { eventually } from '../support/eventually.js';
import { RedisServer, stopAll } from '../support/redis-server.js';
import { privateCatalogue } from './catalog-settings.js';

const QUIET = ['error', 'fatal'] as const;

afterAll(async () => stopAll());

describe('two instances of the catalogue on one Redis', () => {
  let redis: RedisServer;
  let apps: INestApplication[];

  beforeAll(async () => {
    redis = new RedisServer();
    await redis.start();
    const settings = privateCatalogue({ redisUrl: redis.url });
    apps = [];
    for (let instance = 0; instance < 2; instance++) {
      const app = await createApp(settings, [...QUIET]);
      await app.listen(0, '127.0.0.1');
      apps.push(app);
    }
    await eventually(async () => (await l2Works(0)) && (await l2Works(1)), { what: 'both engines attached to Redis' });
  });
  afterAll(async () => Promise.all((apps ?? []).map(async (app) => app.close())));

  const http = (instance: number): ReturnType<typeof request> => request(apps[instance].getHttpServer());
  const statements = (instance: number): number => apps[instance].get(CatalogDatabase).statements;
  const l2Works = async (instance: number): Promise<boolean> =>
    (await apps[instance].get(Strata).invalidateTags([`probe:${instance}`])).acknowledged;

  it('ask the database once for both', async () => {
    const first = await http(0).get('/search?q=oak').expect(200);
    // Storing never delays the answer, so the other instance may be a moment too early.
    await eventually(async () => Number(await redis.cli('dbsize')) > 2, { what: 'the result in Redis' });
    const before = statements(1);
    const second = await http(1).get('/search?q=oak').expect(200);
    expect(second.body).toEqual(first.body);
    expect(statements(1)).toBe(before);
  });

  it('an update on one is seen on the other', async () => {
    await http(0).get('/products/7').expect(200);
    await http(1).get('/products/7').expect(200);
    await http(0).patch('/products/7').send({ priceCents: 4321 }).expect(200);
    await eventually(async () => (await http(1).get('/products/7')).body.priceCents === 4321, {
      what: 'the new price',
    });
  });

  it('go on answering, and stay right, when Redis dies, and share again when it is back', async () => {
    await redis.kill9();
    await http(0).get('/products/8').expect(200);
    await http(0).patch('/products/8').send({ priceCents: 1234 }).expect(200);
    expect((await http(0).get('/products/8').expect(200)).body.priceCents).toBe(1234);
    await http(1).get('/home').expect(200);
    await redis.restart({ keepData: false });
    await eventually(async () => (await l2Works(0)) && (await l2Works(1)), {
      within: 10_000,
      what: 'both attached again',
    });
    await eventually(async () => (await http(1).get('/products/8')).body.priceCents === 1234, {
      within: 10_000,
      what: 'the price changed meanwhile',
    });
  });
});
