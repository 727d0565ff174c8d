import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { gate, type Gate } from '@strata-cache/core/testing';
import { LockService, Strata } from '@strata-cache/nestjs';
import request from 'supertest';
import { createApp } from '../../apps/catalog/src/create-app.js';
import { RepricingRepository } from '../../apps/catalog/src/repricing/repricing.repository.js';
import { nightOf, RepricingService } from '../../apps/catalog/src/repricing/repricing.service.js';
import type { HttpAdapter, Settings } from '../../apps/catalog/src/settings.js';
import { Warehouse } from '../../apps/catalog/src/stock/warehouse.js';
import { eventually } from '../support/eventually.js';
import { RedisServer, stopAll } from '../support/redis-server.js';
import { type PostgresServer, startPostgres } from './catalog-postgres.js';
import { privateCatalogue } from './catalog-settings.js';

const QUIET = ['error', 'fatal'] as const;

let redis: RedisServer;
let postgres: PostgresServer;
beforeAll(async () => {
  [redis, postgres] = await Promise.all([new RedisServer().start(), startPostgres()]);
});
afterAll(async () => {
  await postgres?.stop();
  await stopAll();
});

async function start(settings: Partial<Settings>): Promise<INestApplication> {
  const app = await createApp(privateCatalogue(settings), [...QUIET]);
  await app.listen(0, '127.0.0.1');
  return app;
}

describe.each<HttpAdapter>(['express', 'fastify'])('one instance without Redis, over %s', (adapter) => {
  let app: INestApplication;
  beforeAll(async () => {
    app = await start({ adapter });
  });
  afterAll(async () => app?.close());
  const http = (): ReturnType<typeof request> => request(app.getHttpServer());

  it('reserves what there is, and says 409 beyond', async () => {
    expect((await http().get('/products/5/stock').expect(200)).body).toEqual({
      productId: '5',
      available: 20,
      reserved: 0,
    });
    const { body } = await http().post('/products/5/reservations').send({ quantity: 18 }).expect(201);
    expect(body).toMatchObject({ productId: '5', quantity: 18, id: expect.any(String) });
    await http().post('/products/5/reservations').send({ quantity: 3 }).expect(409);
    await http().post('/products/5/reservations').send({ quantity: 2 }).expect(201);
    const stock = await http().put('/products/5/stock').send({ available: 7 }).expect(200);
    expect(stock.body).toEqual({ productId: '5', available: 7, reserved: 20 });
  });

  it('knows unknown products and wrong requests', async () => {
    await http().get('/products/nothing/stock').expect(404);
    await http().put('/products/nothing/stock').send({ available: 1 }).expect(404);
    await http().post('/products/nothing/reservations').send({ quantity: 1 }).expect(404);
    for (const quantity of [0, -1, 1.5, 101, '2', null]) {
      await http().post('/products/5/reservations').send({ quantity }).expect(400);
    }
    await http().put('/products/5/stock').send({ available: -1 }).expect(400);
  });

  it('sells what is created later once it has been stocked', async () => {
    const lamp = { name: 'Late Lamp', description: 'It came after the stock.', categoryId: 'home', priceCents: 900 };
    const { body } = await http().post('/products').send(lamp).expect(201);
    await http().post(`/products/${body.id}/reservations`).send({ quantity: 1 }).expect(409);
    await http().put(`/products/${body.id}/stock`).send({ available: 1 }).expect(200);
    await http().post(`/products/${body.id}/reservations`).send({ quantity: 1 }).expect(201);
    await http().delete(`/products/${body.id}`).expect(204);
  });

  it('re-prices tonight once, and shows the new prices at once', async () => {
    const tonight = nightOf(new Date());
    await http().get(`/repricing/${tonight}`).expect(404);
    const page = await http().get('/products?category=home').expect(200);
    const reduced = page.body.items.find(
      (item: { priceCents: number; listPriceCents: number }) => item.priceCents < item.listPriceCents * 0.9,
    );
    await http().get(`/products/${reduced.id}`).expect(200);
    const { body: first } = await http().post('/repricing').expect(200);
    expect(first).toMatchObject({ night: tonight, finishedAt: expect.any(String) });
    expect(first.repriced).toBeGreaterThan(20);
    const price = reduced.priceCents - Math.floor(reduced.priceCents / 50);
    expect((await http().get(`/products/${reduced.id}`)).body.priceCents).toBe(price);
    const after = await http().get('/products?category=home').expect(200);
    expect(after.body.items.find((item: { id: string }) => item.id === reduced.id).priceCents).toBe(price);
    const again = await Promise.all([1, 2, 3].map(async () => http().post('/repricing').expect(200)));
    for (const { body } of again) expect(body).toEqual((await http().get(`/repricing/${tonight}`).expect(200)).body);
    expect((await http().get(`/products/${reduced.id}`)).body.priceCents).toBe(price);
  });

  it('has the routes in the API page', async () => {
    const { paths } = (await http().get('/docs-json').expect(200)).body;
    for (const path of ['/products/{id}/stock', '/products/{id}/reservations', '/repricing', '/repricing/{night}']) {
      expect(Object.keys(paths)).toContain(path);
    }
  });
});

describe.each(['SQLite', 'PostgreSQL'])('two instances on one Redis and one %s', (kind) => {
  let settings: Partial<Settings>;
  let apps: INestApplication[] = [];
  beforeAll(async () => {
    await redis.cli('FLUSHALL');
    const { databaseFile } = privateCatalogue();
    settings = { redisUrl: redis.url, databaseFile, ...(kind === 'PostgreSQL' && { databaseUrl: postgres.url }) };
    apps = [await start(settings), await start(settings)];
    await attached();
  });
  afterAll(async () => Promise.all(apps.map(async (app) => app.close())));
  const undo: (() => void)[] = [];
  afterEach(() => {
    for (const restore of undo.splice(0)) restore();
  });

  const http = (instance: number): ReturnType<typeof request> => request(apps[instance].getHttpServer());
  const reserve = async (instance: number, id: string, quantity = 1): Promise<request.Response> =>
    http(instance).post(`/products/${id}/reservations`).send({ quantity });
  async function attached(): Promise<void> {
    const acknowledged = async (): Promise<boolean> => {
      const results = await Promise.all(apps.map(async (app) => app.get(Strata).invalidateTags(['probe'])));
      return results.every((result) => result.acknowledged);
    };
    await eventually(acknowledged, { within: 10_000, what: 'both engines attached to Redis' });
  }
  /** Puts the warehouse of one instance under the test's control. */
  function answerFor(instance: number, confirm: Warehouse['confirm']): void {
    const warehouse = apps[instance].get(Warehouse);
    const original = warehouse.confirm;
    warehouse.confirm = confirm;
    undo.push(() => (warehouse.confirm = original));
  }

  it('never oversell, and ask the warehouse one at a time', async () => {
    let inside = 0;
    let most = 0;
    let asked = 0;
    const count = async (): Promise<boolean> => {
      most = Math.max(most, ++inside);
      asked++;
      await new Promise(setImmediate);
      inside--;
      return true;
    };
    answerFor(0, count);
    answerFor(1, count);
    await http(0).put('/products/5/stock').send({ available: 30 }).expect(200);
    const answers = await Promise.all(Array.from({ length: 50 }, async (_, index) => reserve(index % 2, '5')));
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 201)).toHaveLength(30);
    expect(statuses.filter((status) => status === 409)).toHaveLength(20);
    expect([most, asked]).toEqual([1, 30]);
    for (const instance of [0, 1]) {
      const { body } = await http(instance).get('/products/5/stock').expect(200);
      expect(body).toEqual({ productId: '5', available: 0, reserved: 30 });
    }
  });

  it('refuse the older token when Redis has forgotten the lock and granted it twice', async () => {
    await http(0).put('/products/6/stock').send({ available: 10 }).expect(200);
    const slow: Gate = gate();
    answerFor(0, async () => {
      await slow.pass();
      return true;
    });
    const first = reserve(0, '6', 4);
    await slow.arrived();
    await redis.cli('FLUSHALL');
    // The first is still at it, and believes that it holds the lock.
    const second = await reserve(1, '6', 3);
    expect(second.status).toBe(201);
    slow.open();
    const refused = await first;
    expect(refused.status).toBe(503);
    expect(refused.body.message).toMatch(/stock of product "6": token \d+ is refused/);
    const { body } = await http(1).get('/products/6/stock').expect(200);
    expect(body).toEqual({ productId: '6', available: 7, reserved: 3 });
    await attached();
  });

  it('answer 503 to who has waited long enough, and leave nobody in the queue', async () => {
    const held = await apps[1].get(Strata).locks.acquire('repricing');
    const { body } = await http(0).post('/repricing').expect(503);
    expect(body.message).toContain('lock "repricing": not granted within 1000 ms');
    await held.release();
    await http(0).post('/repricing').expect(200);
  });

  it('hand the night over when the instance at work shuts down', async () => {
    const night = '2999-01-01';
    const leaving = await start(settings);
    const repository = leaving.get(RepricingRepository);
    const repriceNext = repository.repriceNext.bind(repository);
    const second: Gate = gate();
    let batches = 0;
    repository.repriceNext = async (...args) => {
      batches++;
      if (batches === 2) await second.pass();
      return repriceNext(...args);
    };
    const working = leaving.get(RepricingService).run(night, '10s');
    const interrupted = working.catch((error: unknown) => error);
    await second.arrived();
    const waiting = leaving
      .get(RepricingService)
      .run(night, '10s')
      .catch((error: unknown) => error);
    const taking = apps[1].get(RepricingService).run(night, '20s');
    await eventually(() => apps[1].get(LockService).stats().waiting === 1, { what: 'the other waits for its turn' });
    const closed = leaving.close();
    // Who waited has left: the shutdown has begun, and waits for the batch that is under way.
    expect(String(await waiting)).toContain('shutting down');
    second.open();
    expect(String(await interrupted)).toContain('shutting down');
    await closed;
    expect(batches).toBe(2);
    expect(await taking).toMatchObject({ night, finishedAt: expect.any(String) });
    expect((await http(0).get(`/repricing/${night}`).expect(200)).body).toEqual(await taking);
  });
});
