import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { Strata } from '@strata-cache/nestjs';
import request from 'supertest';
import { createApp } from '../../apps/catalog/src/create-app.js';
import { CatalogDatabase } from '../../apps/catalog/src/database/catalog-database.js';
import { homeCache } from '../../apps/catalog/src/home/home.cache.js';
import { productCache } from '../../apps/catalog/src/products/products.cache.js';
import type { HttpAdapter } from '../../apps/catalog/src/settings.js';
import { eventually } from '../support/eventually.js';
import { stopAll } from '../support/process-keeper.js';
import { privateCatalogue } from './catalog-settings.js';

const QUIET = ['warn', 'error', 'fatal'] as const;

afterAll(async () => stopAll());

describe.each<HttpAdapter>(['express', 'fastify'])('the catalogue over %s', (adapter) => {
  let app: INestApplication;
  let database: CatalogDatabase;

  beforeAll(async () => {
    app = await createApp(privateCatalogue({ adapter }), [...QUIET]);
    // One server for all requests: supertest would open and close one for each.
    await app.listen(0, '127.0.0.1');
    database = app.get(CatalogDatabase);
  });
  afterAll(async () => app?.close());

  const http = (): ReturnType<typeof request> => request(app.getHttpServer());
  /** What the call returns, and how many statements reached the database meanwhile: what the cache is there to save. */
  async function counted<T>(call: () => PromiseLike<T>): Promise<{ result: T; statements: number }> {
    const before = database.statements;
    const result = await call();
    return { result, statements: database.statements - before };
  }
  const get = async (path: string) => counted(() => http().get(path).expect(200));

  describe('each slow path asks the database once', () => {
    it.each([
      ['a product', '/products/1', 1],
      ['categories', '/categories', 1],
      ['a page of a category', '/products?category=toys', 2],
      ['a search', '/search?q=oak', 1],
      ['the summary of reviews', '/products/1/reviews/summary', 1],
      ['the top rated of a category', '/categories/music/top-rated', 1],
      ['the home page', '/home', 5],
    ])('%s', async (_, path, statements) => {
      const first = await get(path);
      const second = await get(path);
      expect(second.result.body).toEqual(first.result.body);
      expect([first.statements, second.statements]).toEqual([statements, 0]);
    });

    it('also when a hundred ask at the same time', async () => {
      const { result, statements } = await counted(() =>
        Promise.all(Array.from({ length: 100 }, async () => http().get('/products/77').expect(200))),
      );
      expect(new Set(result.map(({ body }) => body.id))).toEqual(new Set(['77']));
      expect(statements).toBe(1);
    });

    it('and spellings of one search are one search', async () => {
      await get('/search?q=bamboo%20tent');
      expect((await get('/search?q=%20Bamboo%20%20TENT')).statements).toBe(0);
    });
  });

  describe('a change', () => {
    it('of a product is seen at once, without another query', async () => {
      const { body: before } = (await get('/products/2')).result;
      await http()
        .patch('/products/2')
        .send({ priceCents: before.priceCents + 1, name: 'Renamed' })
        .expect(200);
      const after = await get('/products/2');
      expect(after.result.body).toMatchObject({ id: '2', name: 'Renamed', priceCents: before.priceCents + 1 });
      expect(after.statements).toBe(0);
    });

    it('clears the pages that show the product, and no others', async () => {
      const shown = (await get('/products?category=garden')).result.body.items[0];
      await get('/products?category=office');
      await http().patch(`/products/${shown.id}`).send({ priceCents: 4_242 }).expect(200);
      const page = await get('/products?category=garden');
      expect(page.statements).toBe(2);
      expect(page.result.body.items).toContainEqual(expect.objectContaining({ id: shown.id, priceCents: 4_242 }));
      expect((await get('/products?category=office')).statements).toBe(0);
    });

    it('of the category clears the pages on both sides', async () => {
      const moved = (await get('/products?category=kitchen')).result.body.items[0];
      await get('/products?category=sport');
      await http().patch(`/products/${moved.id}`).send({ categoryId: 'sport', name: 'Aaaa' }).expect(200);
      const ids = async (category: string): Promise<string[]> =>
        (await get(`/products?category=${category}`)).result.body.items.map((item: { id: string }) => item.id);
      expect(await ids('kitchen')).not.toContain(moved.id);
      expect(await ids('sport')).toContain(moved.id);
    });

    it('lets a search show the old result at once and the new one after the refresh', async () => {
      const { body: product } = (await get('/products/5')).result;
      await http().patch('/products/5').send({ name: 'Zanzibar Lamp' }).expect(200);
      const search = async () => (await http().get('/search?q=zanzibar').expect(200)).body;
      expect((await search()).items).toEqual([expect.objectContaining({ id: '5' })]);
      await http().patch('/products/5').send({ name: product.name }).expect(200);
      expect((await search()).total).toBe(1);
      await eventually(async () => (await search()).total === 0, { what: 'the refreshed search' });
    });

    it('by a review renews the summary of that product', async () => {
      const { body: before } = (await get('/products/9/reviews/summary')).result;
      const review = { customerId: '7', rating: 5, body: 'Well made and quiet.' };
      const { body: added } = await http().post('/products/9/reviews').send(review).expect(201);
      const after = await get('/products/9/reviews/summary');
      expect(after.result.body.count).toBe(before.count + 1);
      expect(after.statements).toBe(1);
      expect((await get('/products/9/reviews')).result.body[0]).toEqual(added);
    });

    it('that removes a product leaves no trace of it', async () => {
      const shown = (await get('/home')).result.body.topRated[0];
      await get(`/products/${shown.id}`);
      await http().delete(`/products/${shown.id}`).expect(204);
      await http().get(`/products/${shown.id}`).expect(404);
      const { body: home } = (await get('/home')).result;
      expect(home.topRated.map((top: { id: string }) => top.id)).not.toContain(shown.id);
    });
  });

  describe('what is not there', () => {
    it('is a 404 each time, and is asked for once', async () => {
      const missing = async () => counted(() => http().get('/products/none-such').expect(404));
      const first = await missing();
      expect(first.result.body).toEqual({
        statusCode: 404,
        error: 'Not Found',
        message: "There is no product 'none-such'",
      });
      const second = await missing();
      expect(second.result.body).toEqual(first.result.body);
      expect([first.statements, second.statements]).toEqual([1, 0]);
    });

    it('is a 404 for every verb and part of a product, and for a category', async () => {
      await http().patch('/products/none').send({ priceCents: 1 }).expect(404);
      await http().delete('/products/none').expect(404);
      await http().get('/products/none/reviews').expect(404);
      await http().get('/products/none/reviews/summary').expect(404);
      await http().get('/products?category=none').expect(404);
      await http().get('/categories/none/top-rated').expect(404);
    });

    it('is found as soon as it is created', async () => {
      const lamp = { name: 'Oak Lamp', description: 'A lamp made of oak.', categoryId: 'home', priceCents: 9_900 };
      await get('/products?category=home');
      const { body: created } = await http().post('/products').send(lamp).expect(201);
      expect(created).toMatchObject({ ...lamp, listPriceCents: 9_900 });
      expect((await get(`/products/${created.id}`)).result.body).toEqual(created);
      expect((await get('/products?category=home')).result.body.total).toBe(26);
    });
  });

  describe('a wrong request is a 400 that names what is wrong', () => {
    type Wrong = [verb: 'get' | 'post' | 'patch', path: string, body: object | undefined, ...messages: RegExp[]];
    it.each<Wrong>([
      ['post', '/products', { name: 'x', priceCents: 1.5 }, /name must be longer/, /priceCents must be an integer/],
      ['post', '/products', { name: ' Lamp', description: 'short' }, /must not begin or end with a space/],
      ['patch', '/products/3', { priceCents: -1 }, /priceCents must not be less than 1/],
      ['patch', '/products/3', { name: null }, /name must be a string/],
      ['patch', '/products/3', { colour: 'red' }, /property colour should not exist/],
      ['patch', '/products/3', {}, /nothing to change: give name, priceCents or categoryId/],
      ['patch', '/products/3', { categoryId: 'cars' }, /categoryId: there is no category 'cars'/],
      ['post', '/products/3/reviews', { customerId: '7', rating: 6, body: 'Great!' }, /rating must not be greater/],
      ['post', '/products/3/reviews', { customerId: 'x', rating: 5, body: 'Great!' }, /there is no customer 'x'/],
      ['get', '/search?q=%20a%20', undefined, /q must be longer than or equal to 2/],
      ['get', '/products?category=toys&page=0', undefined, /page must not be less than 1/],
      ['get', '/products', undefined, /category must be a string/],
    ])('%s %s %j', async (verb, path, body, ...messages) => {
      const response = await http()[verb](path).send(body).expect(400);
      for (const message of messages) {
        expect(response.body.message).toContainEqual(expect.stringMatching(message));
      }
      expect(response.body.error).toBe('Bad Request');
    });
  });

  it('serves its description and a page to read it on', async () => {
    const { body } = await http().get('/docs-json').expect(200);
    expect(Object.keys(body.paths)).toEqual(
      expect.arrayContaining(['/products', '/products/{id}', '/search', '/home', '/categories']),
    );
    expect(body.components.schemas.ChangeProduct.properties.priceCents).toMatchObject({ minimum: 1 });
    const page = await http().get('/docs').expect(200);
    expect(page.text).toContain('swagger-ui');
    await http()
      .get('/docs/swagger-ui-bundle.js')
      .expect(200)
      .expect('Content-Type', /javascript/);
    await http().get('/docs/package.json').expect(404);
  });
});

it('shows the last good home page when the database fails, and an error where it has nothing', async () => {
  const app = await createApp(privateCatalogue(), false);
  await app.listen(0, '127.0.0.1');
  const http = request(app.getHttpServer());
  const { body: home } = await http.get('/home').expect(200);
  await http.get('/products/1').expect(200);
  await app.get(CatalogDatabase).sql.destroy();
  const strata = app.get(Strata);
  await strata.cache(homeCache).expire();
  await strata.cache(productCache).expire('1');
  expect((await http.get('/home').expect(200)).body).toEqual(home);
  await http.get('/products/1').expect(200);
  await http.get('/products/2').expect(500);
  await strata.cache(productCache).delete('1');
  await http.get('/products/1').expect(500);
  await app.close();
});
