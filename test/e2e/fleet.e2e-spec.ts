import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { ClientProxyFactory, Transport, type ClientProxy } from '@nestjs/microservices';
import { Strata } from '@strata-cache/nestjs';
import { CacheEvents, OutboxRelay } from '@strata-cache/nestjs/microservices';
import { firstValueFrom } from 'rxjs';
import request from 'supertest';
import { createApp as createCatalog } from '../../apps/catalog/src/create-app.js';
import { priceCache } from '../../apps/catalog/src/prices/prices.cache.js';
import { createApp as createPricing } from '../../apps/pricing/src/create-app.js';
import { executorOf, PricingDatabase } from '../../apps/pricing/src/database/pricing-database.js';
import { readSettings, type Settings } from '../../apps/pricing/src/settings.js';
import type { Broker } from '../support/broker.js';
import { natsServer } from '../support/brokers.js';
import { eventually } from '../support/eventually.js';
import { ownDir, stopAll } from '../support/process-keeper.js';
import { type PostgresServer, startPostgres } from './catalog-postgres.js';
import { privateCatalogue } from './catalog-settings.js';

const QUIET = ['error', 'fatal'] as const;

let nats: Broker;
let postgres: PostgresServer;
let opened: INestApplication[] = [];
beforeAll(async () => {
  [nats, postgres] = await Promise.all([natsServer().start(), startPostgres()]);
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((app) => app.close()));
});
afterAll(async () => {
  await postgres?.stop();
  await stopAll();
});

const natsUrl = (): string => `nats://127.0.0.1:${nats.port}`;

async function pricing(settings: Partial<Settings> = {}): Promise<INestApplication> {
  const own: Settings = {
    port: 0,
    databaseUrl: undefined,
    databaseFile: join(ownDir('pricing'), 'pricing.db'),
    natsUrl: undefined,
    adminToken: 'secret',
    outboxPollInterval: 100,
    development: false,
    ...settings,
  };
  const app = await createPricing(own, [...QUIET]);
  await app.listen(0, '127.0.0.1');
  opened.push(app);
  return app;
}

async function catalog(settings: Parameters<typeof privateCatalogue>[0]): Promise<INestApplication> {
  const app = await createCatalog(privateCatalogue({ seedProducts: 100, ...settings }), [...QUIET]);
  await app.listen(0, '127.0.0.1');
  opened.push(app);
  return app;
}

const http = (app: INestApplication): ReturnType<typeof request> => request(app.getHttpServer());
const admin = (app: INestApplication, id: string, body: object): request.Test =>
  http(app).put(`/admin/prices/${id}`).set('authorization', 'Bearer secret').send(body);
const shownBy = async (app: INestApplication): Promise<unknown> => {
  const { priceCents, source } = (await http(app).get('/products/42/price').expect(200)).body;
  return [priceCents, source];
};

describe.each(['SQLite', 'PostgreSQL'])('pricing on %s', (kind) => {
  const database = (): Partial<Settings> => (kind === 'PostgreSQL' ? { databaseUrl: postgres.url } : {});

  it('owns prices in its own schema, and lets only the admin change them', async () => {
    const app = await pricing(database());
    await http(app).get('/prices/7').expect(404);
    await http(app).put('/admin/prices/7').send({ priceCents: 100 }).expect(401);
    const wrong = http(app).put('/admin/prices/7').set('authorization', 'Bearer wrong');
    await wrong.send({ priceCents: 100 }).expect(401);
    await admin(app, '7', { priceCents: -1 }).expect(400);
    await admin(app, '7', { priceCents: 100, currency: 'EUR' }).expect(400);
    expect((await admin(app, '7', { priceCents: 100 }).expect(200)).body).toMatchObject({
      priceCents: 100,
      version: 1,
    });
    expect((await admin(app, '7', { priceCents: 200 }).expect(200)).body).toMatchObject({
      priceCents: 200,
      version: 2,
    });
    expect((await http(app).get('/prices/7').expect(200)).body).toMatchObject({ productId: '7', priceCents: 200 });
    const { sql, outbox } = app.get(PricingDatabase);
    if (kind === 'PostgreSQL') {
      const tables = await sql.introspection.getTables();
      expect(tables.map(({ schema, name }) => `${schema}.${name}`).sort()).toEqual([
        'pricing.outbox',
        'pricing.prices',
      ]);
    }
    await eventually(async () => (await outbox.backlog(executorOf(sql))).waiting === 0);
  });

  it('answers messages, and says what is wrong with one', async () => {
    await pricing({ natsUrl: natsUrl(), ...database() });
    const client: ClientProxy = ClientProxyFactory.create({
      transport: Transport.NATS,
      options: { servers: [natsUrl()] },
    });
    const send = (pattern: string, payload: object): Promise<unknown> => firstValueFrom(client.send(pattern, payload));
    expect(await send('price.get', { productId: '9' })).toBeNull();
    expect(await send('price.change', { productId: '9', priceCents: 500 })).toMatchObject({ version: 1 });
    expect(await send('price.get', { productId: '9' })).toMatchObject({ priceCents: 500 });
    await expect(send('price.change', { productId: '9', priceCents: 'free' })).rejects.toMatchObject({
      message: expect.arrayContaining([expect.stringContaining('priceCents')]),
    });
    await client.close();
  });
});

it('two instances of pricing that start together on PostgreSQL set it up once', async () => {
  const settings = { databaseUrl: postgres.url };
  const [one, other] = await Promise.all([pricing(settings), pricing(settings)]);
  await admin(one, '8', { priceCents: 300 }).expect(200);
  expect((await http(other).get('/prices/8').expect(200)).body.priceCents).toBe(300);
});

describe('the catalogue with the pricing service', () => {
  it('keeps a price in memory until the event, on every instance, without Redis', async () => {
    const prices = await pricing({ natsUrl: natsUrl() });
    const instances = await Promise.all([0, 1].map(() => catalog({ natsUrl: natsUrl() })));
    const [listed] = (await shownBy(instances[0])) as [number, string];
    expect(await shownBy(instances[1])).toEqual([listed, 'catalog']);

    for (const priceCents of [4_321, 4_322]) {
      await admin(prices, '42', { priceCents }).expect(200);
      for (const app of instances) {
        await eventually(async () => expect(await shownBy(app)).toEqual([priceCents, 'pricing']));
        expect(app.get(Strata).cache(priceCache).peek('42')).toMatchObject({ priceCents });
      }
    }
    const received = instances.map((app) => app.get(CacheEvents).stats().applied);
    expect(Math.min(...received)).toBeGreaterThanOrEqual(2);
  });

  it('shows the listed price while the pricing service has never answered, and goes on with the last one when it is gone', async () => {
    const app = await catalog({ natsUrl: natsUrl() });
    expect(await shownBy(app)).toEqual([expect.any(Number), 'catalog']);
    const prices = await pricing({ natsUrl: natsUrl() });
    await admin(prices, '42', { priceCents: 777 }).expect(200);
    await eventually(async () => expect(await shownBy(app)).toEqual([777, 'pricing']));
    await prices.close();
    expect(await shownBy(app)).toEqual([777, 'pricing']);
  });

  it('hears what was committed just before the pricing service stopped', async () => {
    const app = await catalog({ natsUrl: natsUrl() });
    // It polls once an hour, and nobody wakes it.
    const prices = await pricing({ natsUrl: natsUrl(), outboxPollInterval: 3_600_000 });
    await admin(prices, '42', { priceCents: 888 }).expect(200);
    await eventually(async () => expect(await shownBy(app)).toEqual([888, 'pricing']));
    const { applied } = app.get(CacheEvents).stats();
    const { outbox, sql } = prices.get(PricingDatabase);
    await outbox.enqueue(executorOf(sql), 'price.changed', { productId: '42' });
    await prices.close();
    await eventually(() => app.get(CacheEvents).stats().applied === applied + 1);
    expect(app.get(Strata).cache(priceCache).peek('42')).toBeUndefined();
  });

  it('loses no change while NATS is away', async () => {
    const prices = await pricing({ natsUrl: natsUrl() });
    const app = await catalog({ natsUrl: natsUrl() });
    await admin(prices, '42', { priceCents: 500 }).expect(200);
    // The event first: what is cached from then on is there while nobody can be asked.
    await eventually(() => app.get(CacheEvents).stats().applied === 1);
    await eventually(async () => expect(await shownBy(app)).toEqual([500, 'pricing']));
    const { outbox, sql } = prices.get(PricingDatabase);
    const waiting = async (): Promise<number> => (await outbox.backlog(executorOf(sql))).waiting;
    await eventually(async () => (await waiting()) === 0);
    const { outages } = prices.get(OutboxRelay).stats();
    await nats.kill9();
    await admin(prices, '42', { priceCents: 600 }).expect(200);
    await eventually(() => prices.get(OutboxRelay).stats().outages > outages, { within: 20_000 });
    expect([await waiting(), await shownBy(app)]).toEqual([1, [500, 'pricing']]);
    await nats.start();
    await eventually(async () => (await waiting()) === 0, { within: 20_000 });
    await eventually(async () => expect(await shownBy(app)).toEqual([600, 'pricing']), { within: 20_000 });
  }, 60_000);

  it('needs neither of them', async () => {
    const app = await catalog({});
    expect(await shownBy(app)).toEqual([expect.any(Number), 'catalog']);
    await http(app).get('/products/none/price').expect(404);
  });
});

it('pricing reads its settings from the environment', () => {
  expect(readSettings({ PORT: '1', NATS_URL: 'nats://n', OUTBOX_POLL_INTERVAL: '5', NODE_ENV: 'production' })).toEqual({
    port: 1,
    databaseUrl: undefined,
    databaseFile: expect.stringContaining('pricing.db'),
    natsUrl: 'nats://n',
    adminToken: undefined,
    outboxPollInterval: 100,
    development: false,
  });
  expect(() => readSettings({ PORT: 'x' })).toThrow("PORT is 'x'");
});
