import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { Strata } from '@strata-cache/nestjs';
import request from 'supertest';
import { createApp } from '../../apps/catalog/src/create-app.js';
import { CatalogDatabase } from '../../apps/catalog/src/database/catalog-database.js';
import { homeCache } from '../../apps/catalog/src/home/home.cache.js';
import { ProductsRepository } from '../../apps/catalog/src/products/products.repository.js';
import { ProductsService } from '../../apps/catalog/src/products/products.service.js';
import type { HttpAdapter } from '../../apps/catalog/src/settings.js';
import { eventually } from '../support/eventually.js';
import { stopAll } from '../support/process-keeper.js';
import { privateCatalogue } from './catalog-settings.js';

afterAll(async () => stopAll());

const QUIET = ['error', 'fatal'] as const;
const lamp = { name: 'Oak Lamp', description: 'A lamp made of oak.', categoryId: 'home', priceCents: 9_900 };

describe.each<HttpAdapter>(['express', 'fastify'])('HTTP caching of the catalogue over %s', (adapter) => {
  let app: INestApplication;
  let database: CatalogDatabase;

  beforeAll(async () => {
    app = await createApp(privateCatalogue({ adapter }), [...QUIET]);
    await app.listen(0, '127.0.0.1');
    database = app.get(CatalogDatabase);
  });
  afterAll(async () => app?.close());

  const http = (): ReturnType<typeof request> => request(app.getHttpServer());

  describe('a product page', () => {
    it('has its version as a strong tag, and is a 304 for whoever has it', async () => {
      const first = await http().get('/products/11').expect(200);
      expect(first.headers['cache-control']).toBe('public, no-cache');
      expect(first.headers.etag).toMatch(/^"1(~[\w-]+)?"$/);
      const before = database.statements;
      const again = await http().get('/products/11').set('If-None-Match', first.headers.etag).expect(304);
      expect([again.text, again.headers.etag, database.statements]).toEqual(['', first.headers.etag, before]);
      await http().head('/products/11').set('If-None-Match', first.headers.etag).expect(304);
    });

    it('has another tag at once after a change, whoever makes it', async () => {
      const { headers } = await http().get('/products/12').expect(200);
      await http().patch('/products/12').send({ priceCents: 4_321 }).expect(200);
      const after = await http().get('/products/12').set('If-None-Match', headers.etag).expect(200);
      expect(after.body).toMatchObject({ priceCents: 4_321, version: 2 });
      expect(after.headers.etag).toMatch(/^"2["~]/);
    });

    it('that is not there is a 404 that nobody keeps, also for If-None-Match: *', async () => {
      const missing = await http().get('/products/none').set('If-None-Match', '*').expect(404);
      expect(missing.headers['cache-control']).toBe('no-store');
    });
  });

  describe('a list', () => {
    it('is stored: the second answer comes from the store, the third is a 304 of it', async () => {
      const first = await http().get('/products?category=sport').expect(200);
      expect(first.headers['cache-status']).toBe('strata; fwd=uri-miss; stored');
      const second = await http().get('/products?category=sport').expect(200);
      expect(second.headers['cache-status']).toMatch(/^strata; hit; ttl=\d+$/);
      expect([second.text, second.headers.date]).toEqual([first.text, first.headers.date]);
      expect(Number(second.headers.age)).toBeGreaterThanOrEqual(0);
      await http().get('/products?category=sport').set('If-None-Match', first.headers.etag).expect(304);
    });

    it('is cleared by a change of what it shows, and by no other', async () => {
      const shown = (await http().get('/products?category=toys').expect(200)).body.items[0];
      await http().get('/products?category=music').expect(200);
      await http().patch(`/products/${shown.id}`).send({ priceCents: 1_234 }).expect(200);
      const list = await http().get('/products?category=toys').expect(200);
      expect(list.headers['cache-status']).toMatch(/fwd=uri-miss/);
      expect(list.body.items).toContainEqual(expect.objectContaining({ id: shown.id, priceCents: 1_234 }));
      expect((await http().get('/products?category=music')).headers['cache-status']).toMatch(/hit/);
    });

    it('is cleared on both sides by a product that moves, and by one that comes or goes', async () => {
      const list = async (category: string): Promise<string[]> =>
        (await http().get(`/products?category=${category}`).expect(200)).body.items.map(
          (item: { id: string }) => item.id,
        );
      const [moved] = await list('office');
      await list('outdoor');
      await http().patch(`/products/${moved}`).send({ categoryId: 'outdoor', name: 'Aaaa' }).expect(200);
      expect(await list('office')).not.toContain(moved);
      expect(await list('outdoor')).toContain(moved);
      const { body } = await http()
        .post('/products')
        .send({ ...lamp, categoryId: 'office', name: 'Aaab' })
        .expect(201);
      expect(await list('office')).toContain(body.id);
      await http().delete(`/products/${body.id}`).expect(204);
      expect(await list('office')).not.toContain(body.id);
    });

    it('with an error is not stored', async () => {
      for (const _ of [1, 2]) {
        const wrong = await http().get('/products?category=cars').expect(404);
        expect(wrong.headers['cache-control']).toBe('no-store');
        expect((await http().get('/products').expect(400)).headers['cache-control']).toBe('no-store');
      }
    });
  });

  describe('an account', () => {
    it('is private, each customer sees his own, and a browser that has it gets a 304', async () => {
      const page = async (id: string) => http().get('/account').set('Authorization', `Bearer ${id}`).expect(200);
      const [seven, eight] = [await page('7'), await page('8')];
      expect([seven.body.id, eight.body.id]).toEqual(['7', '8']);
      for (const { headers } of [seven, eight]) {
        expect(headers['cache-control']).toBe('private, no-cache');
        expect(headers['cache-status'] ?? '').not.toMatch(/hit|stored/);
      }
      expect(seven.headers.etag).not.toBe(eight.headers.etag);
      const mine = http().get('/account').set('Authorization', 'Bearer 7');
      await mine.set('If-None-Match', seven.headers.etag).expect(304);
      const others = http().get('/account').set('Authorization', 'Bearer 8');
      await others.set('If-None-Match', seven.headers.etag).expect(200);
    });

    it.each([undefined, 'Bearer nobody', 'Bearer 999999'])(
      'of nobody (%s) is a 401 that nobody keeps',
      async (token) => {
        const call = http().get('/account').set('If-None-Match', '*');
        const refused = await (token === undefined ? call : call.set('Authorization', token)).expect(401);
        // A guard refuses before anything is said about caching, and no cache keeps a 401 by itself.
        expect(refused.headers['cache-control'] ?? 'no-store').toBe('no-store');
        expect(refused.headers['cache-status'] ?? '').not.toMatch(/stored/);
      },
    );
  });

  describe('an edit', () => {
    const etagOf = async (id: string): Promise<string> =>
      (await http().get(`/products/${id}`).expect(200)).headers.etag;

    it('without If-Match is refused with 428, and changes nothing', async () => {
      const before = await etagOf('21');
      await http().put('/products/21').send(lamp).expect(428);
      await http().put('/products/21').set('If-None-Match', '"x"').send(lamp).expect(428);
      expect(await etagOf('21')).toBe(before);
    });

    it('of what somebody else has changed meanwhile is refused with 412', async () => {
      const seen = await etagOf('22');
      await http()
        .put('/products/22')
        .set('If-Match', seen)
        .send({ ...lamp, name: 'First' })
        .expect(200);
      await http()
        .put('/products/22')
        .set('If-Match', seen)
        .send({ ...lamp, name: 'Second' })
        .expect(412);
      const { body, headers } = await http().get('/products/22').expect(200);
      expect(body).toMatchObject({ name: 'First', version: 2 });
      await http()
        .put('/products/22')
        .set('If-Match', headers.etag)
        .send({ ...lamp, name: 'Third' })
        .expect(200);
    });

    it('of a part obeys If-Match when there is one', async () => {
      const seen = await etagOf('23');
      await http().patch('/products/23').send({ priceCents: 1_000 }).expect(200);
      await http().patch('/products/23').set('If-Match', seen).send({ priceCents: 2_000 }).expect(412);
      const now = await etagOf('23');
      await http().patch('/products/23').set('If-Match', now).send({ priceCents: 3_000 }).expect(200);
    });

    it('of what is not there, or not valid, says so', async () => {
      await http().put('/products/none').set('If-Match', '"1"').send(lamp).expect(412);
      const seen = await etagOf('24');
      await http()
        .put('/products/24')
        .set('If-Match', seen)
        .send({ ...lamp, priceCents: -1 })
        .expect(400);
      await http()
        .put('/products/24')
        .set('If-Match', seen)
        .send({ ...lamp, categoryId: 'cars' })
        .expect(400);
    });

    it('with a weak tag never holds', async () => {
      await http()
        .put('/products/25')
        .set('If-Match', `W/${await etagOf('25')}`)
        .send(lamp)
        .expect(412);
    });

    // 1 A's If-Match holds, 2 B's If-Match holds, 3 A writes, 4 B writes: without the comparison in the statement, A's change is gone.
    it('races with nineteen others: one of twenty editors with the same version wins', async () => {
      const seen = await etagOf('26');
      const edits = Array.from({ length: 20 }, async (_, editor) =>
        http()
          .put('/products/26')
          .set('If-Match', seen)
          .send({ ...lamp, name: `Editor ${editor}` }),
      );
      const statuses = (await Promise.all(edits)).map(({ status }) => status).sort();
      expect(statuses).toEqual([200, ...Array.from({ length: 19 }, () => 412)]);
      expect((await http().get('/products/26').expect(200)).body.version).toBe(2);
    });

    it('is compared in the statement itself, whatever was checked before', async () => {
      const products = app.get(ProductsService);
      const repository = app.get(ProductsRepository);
      const version = await repository.version('27');
      await products.replace('27', { ...lamp, name: 'Faster' }, [version ?? 0]);
      await expect(products.replace('27', { ...lamp, name: 'Slower' }, [version ?? 0])).rejects.toMatchObject({
        status: 412,
      });
      expect(await repository.find('27')).toMatchObject({ name: 'Faster', version: 2 });
      expect((await http().get('/products/27').expect(200)).body.name).toBe('Faster');
    });
  });

  describe('the home page', () => {
    it('says that it may be served stale while it is renewed, and is stored', async () => {
      await app.get(Strata).cache(homeCache).delete();
      const first = await http().get('/home').expect(200);
      expect(first.headers['cache-control']).toBe('public, max-age=5, stale-while-revalidate=60, stale-if-error=3600');
      const second = await http().get('/home').expect(200);
      expect(second.headers['cache-status']).toMatch(/^strata; hit/);
      expect(second.text).toBe(first.text);
    });

    it('is served stale at once, and renewed behind', async () => {
      const shown = (await http().get('/home').expect(200)).body.newest[0];
      await app.get(Strata).invalidateTags([`product:${shown.id}`], { mode: 'expire' });
      const stale = await http().get('/home').expect(200);
      expect(stale.headers['cache-status']).toMatch(/^strata; hit; ttl=-\d+/);
      expect(stale.body.newest[0]).toEqual(shown);
      const fresh = async (): Promise<boolean> =>
        /hit; ttl=\d/.test((await http().get('/home').expect(200)).headers['cache-status']);
      await eventually(fresh, { within: 15_000, what: 'the renewed home page' });
    });

    it('is cleared by a change of what it shows', async () => {
      const shown = (await http().get('/home').expect(200)).body.reduced[0];
      await http()
        .patch(`/products/${shown.id}`)
        .send({ priceCents: shown.priceCents + 1 })
        .expect(200);
      const home = await http().get('/home').expect(200);
      const shownNow = [...home.body.reduced, ...home.body.newest].find((product) => product.id === shown.id);
      expect([undefined, shown.priceCents + 1]).toContain(shownNow?.priceCents);
    });
  });
});
