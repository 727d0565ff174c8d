import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import { CategoriesRepository } from '../../apps/catalog/src/categories/categories.repository.js';
import { CatalogDatabase } from '../../apps/catalog/src/database/catalog-database.js';
import { HomeRepository } from '../../apps/catalog/src/home/home.repository.js';
import { ProductsRepository } from '../../apps/catalog/src/products/products.repository.js';
import { ReviewsRepository } from '../../apps/catalog/src/reviews/reviews.repository.js';
import { SearchRepository } from '../../apps/catalog/src/search/search.repository.js';
import { ownDir, stopAll } from '../support/process-keeper.js';
import { type PostgresServer, startPostgres } from './catalog-postgres.js';
import { privateCatalogue } from './catalog-settings.js';

const LONG =
  'with recursive n(i) as (select 1 union all select i + 1 from n where i < 300000000) select sum(i) as total from n';

let postgres: PostgresServer | undefined;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(async () => {
  await postgres?.stop();
  await stopAll();
});

describe.each(['SQLite', 'PostgreSQL'])('the catalogue on %s', (kind) => {
  let database: CatalogDatabase;
  let products: ProductsRepository;
  let reviews: ReviewsRepository;

  beforeAll(async () => {
    const settings = privateCatalogue(kind === 'PostgreSQL' ? { databaseUrl: postgres?.url } : {});
    database = new CatalogDatabase(settings);
    // Two instances that start together on one database.
    const other = new CatalogDatabase(settings);
    await Promise.all([database.setUp(200), other.setUp(200)]);
    await other.onApplicationShutdown();
    products = new ProductsRepository(database);
    reviews = new ReviewsRepository(database);
  });
  afterAll(async () => database.onApplicationShutdown());

  const count = async (table: 'products' | 'reviews'): Promise<number> => {
    const n = sql<number>`cast(count(*) as integer)`.as('n');
    return (await database.sql.selectFrom(table).select(n).executeTakeFirstOrThrow()).n;
  };

  it('is seeded once, the same on every machine', async () => {
    await database.setUp(200);
    expect(await count('products')).toBe(200);
    expect(await count('reviews')).toBe(4_000);
    expect(await products.find('42')).toMatchObject({ name: 'Nordic Bamboo Rain Barrel', categoryId: 'garden' });
  });

  it('creates, changes, pages and removes products', async () => {
    const lamp = { name: 'Aaa Lamp', description: 'A lamp that stands first.', categoryId: 'home', priceCents: 1_000 };
    const created = await products.create(lamp);
    expect(await products.find(created.id)).toEqual(created);
    const page = await products.page('home', 1);
    expect(page.total).toBe(26);
    expect(page.items).toHaveLength(20);
    expect(page.items[0]).toEqual(created);
    const changed = await products.change(created.id, { priceCents: 900 });
    expect(changed).toMatchObject({ priceCents: 900, listPriceCents: 1_000 });
    expect(await products.remove(created.id)).toMatchObject({ id: created.id, priceCents: 900 });
    expect(await products.find(created.id)).toBeUndefined();
    expect(await products.change(created.id, { priceCents: 1 })).toBeUndefined();
    expect(await products.remove(created.id)).toBeUndefined();
  });

  it('summarises reviews and removes them with their product', async () => {
    const rated = { name: 'Rated', description: 'To be rated.', categoryId: 'home', priceCents: 1 };
    const { id } = await products.create(rated);
    expect(await reviews.summary(id, 'home')).toMatchObject({ count: 0, average: null, rank: null });
    for (const rating of [5, 4]) await reviews.add(id, { customerId: '7', rating, body: 'Well made.' });
    expect(await reviews.summary(id, 'home')).toMatchObject({ productId: id, count: 2, average: 4.5, ranked: 26 });
    expect((await reviews.latest(id)).map((review) => review.rating).sort()).toEqual([4, 5]);
    expect(await reviews.add(id, { customerId: 'nobody', rating: 5, body: 'Well made.' })).toBeUndefined();
    await products.remove(id);
    expect(await count('reviews')).toBe(4_000);
  });

  it('ranks the top rated of a category and of the whole catalogue', async () => {
    const garden = await reviews.topRated(5, 'garden');
    expect(garden.map((top) => top.categoryId)).toEqual(Array(5).fill('garden'));
    const scores = garden.map((top) => top.score);
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
    expect(await reviews.topRated(8)).toHaveLength(8);
  });

  it('searches names, descriptions and reviews; % and _ are ordinary characters', async () => {
    const search = new SearchRepository(database);
    const found = await search.search('rain barrel', null, 1);
    expect(found.total).toBeGreaterThan(0);
    expect(found.items[0]?.name.toLowerCase()).toContain('rain barrel');
    const inGarden = await search.search('rain barrel', 'garden', 1);
    expect(new Set(inGarden.items.map((item) => item.categoryId))).toEqual(new Set(['garden']));
    expect((await search.search('pleasure', null, 1)).items[0]?.mentions).toBeGreaterThan(0);
    for (const wild of ['%', '__', '\\', "'"]) expect((await search.search(`a${wild}`, null, 1)).total).toBe(0);
  });

  it('makes the home page of five queries', async () => {
    const home = new HomeRepository(database, new CategoriesRepository(database), reviews);
    const before = database.statements;
    const page = await home.read();
    expect(database.statements - before).toBe(5);
    expect(page.categories.map((category) => category.products)).toEqual(Array(8).fill(25));
    for (const part of [page.newest, page.reduced, page.topRated, page.reviewers]) expect(part).toHaveLength(8);
  });

  it('stops a statement inside the database when its signal aborts, and serves the next one', async () => {
    const abort = new AbortController();
    const running = sql`${sql.raw(LONG)}`.execute(database.reading(abort.signal));
    const next = products.find('1');
    setTimeout(() => abort.abort(new Error('nobody waits')), 50);
    await expect(running).rejects.toThrow('nobody waits');
    expect(await next).toMatchObject({ id: '1' });
    await expect(sql`select 1`.execute(database.reading(abort.signal))).rejects.toThrow('nobody waits');
  });

  it('rolls back a transaction that throws', async () => {
    const doomed = database.sql.transaction().execute(async (transaction) => {
      await transaction.updateTable('products').set({ name: 'lost' }).where('id', '=', '1').execute();
      throw new Error('changed my mind');
    });
    await expect(doomed).rejects.toThrow('changed my mind');
    expect((await products.find('1'))?.name).not.toBe('lost');
  });

  it('passes the error of a wrong statement on, with its code', async () => {
    await expect(sql`select nothing_like_it`.execute(database.sql)).rejects.toMatchObject({
      message: expect.stringContaining('nothing_like_it'),
      code: expect.any(String),
    });
  });
});

it('says why when SQLite cannot open its file, and tries again with the next query', async () => {
  const obstacle = join(ownDir('catalog'), 'obstacle');
  writeFileSync(obstacle, 'a file where a folder is wanted');
  const database = new CatalogDatabase(privateCatalogue({ databaseFile: join(obstacle, 'catalog.db') }));
  await expect(database.setUp(8)).rejects.toThrow(/SQLite thread has ended.*obstacle/);
  rmSync(obstacle);
  await database.setUp(8);
  expect(await new ProductsRepository(database).find('8')).toMatchObject({ id: '8' });
  await database.onApplicationShutdown();
  await expect(new ProductsRepository(database).find('8')).rejects.toThrow();
});

it('leaves the event loop free while SQLite computes', async () => {
  const database = new CatalogDatabase(privateCatalogue());
  const abort = new AbortController();
  let settled = false;
  const running = sql`${sql.raw(LONG)}`.execute(database.reading(abort.signal)).finally(() => (settled = true));
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setTimeout(resolve, 1));
  expect(settled).toBe(false);
  abort.abort(new Error('twenty turns were taken meanwhile'));
  await expect(running).rejects.toThrow('twenty turns');
  await database.onApplicationShutdown();
});
