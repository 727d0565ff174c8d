import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CatalogDatabase } from '../../apps/catalog/src/database/catalog-database.js';
import { ProductsRepository } from '../../apps/catalog/src/products/products.repository.js';
import { seenVersions } from '../../apps/catalog/src/products/seen-versions.js';
import { stopAll } from '../support/process-keeper.js';
import { type PostgresServer, startPostgres } from './catalog-postgres.js';
import { privateCatalogue } from './catalog-settings.js';

let postgres: PostgresServer | undefined;
beforeAll(async () => {
  postgres = await startPostgres();
}, 60_000);
afterAll(async () => {
  await postgres?.stop();
  await stopAll();
});

const lamp = { name: 'Oak Lamp', description: 'A lamp made of oak.', categoryId: 'home', priceCents: 9_900 };

describe.each(['SQLite', 'PostgreSQL'])('versions of products on %s', (kind) => {
  let database: CatalogDatabase;
  let products: ProductsRepository;
  const settings = () => privateCatalogue(kind === 'PostgreSQL' ? { databaseUrl: postgres?.url } : {});
  let used: ReturnType<typeof settings>;

  beforeAll(async () => {
    used = settings();
    database = new CatalogDatabase(used);
    await database.setUp(40);
    products = new ProductsRepository(database);
  });
  afterAll(async () => database.onApplicationShutdown());

  it('rise with every change', async () => {
    expect(await products.version('1')).toBe(1);
    await products.change('1', { priceCents: 1_000 });
    await products.change('1', { priceCents: 1_000 });
    expect(await products.version('1')).toBe(3);
    expect(await products.version('none')).toBeUndefined();
  });

  it('let one of twenty editors through who have seen the same one', async () => {
    const edits = Array.from({ length: 20 }, async (_, editor) =>
      products.change('2', { ...lamp, name: `Editor ${editor}` }, [1]),
    );
    const changed = (await Promise.all(edits)).filter((product) => product !== undefined);
    expect(changed).toHaveLength(1);
    expect(await products.find('2')).toEqual(changed[0]);
  });

  it('of several that were seen one must be the current one', async () => {
    expect(await products.change('3', lamp, [7, 9])).toBeUndefined();
    expect(await products.change('3', lamp, [])).toBeUndefined();
    expect(await products.change('3', lamp, [9, 1])).toMatchObject({ version: 2 });
    expect(await products.change('3', lamp, 'any')).toMatchObject({ version: 3 });
  });

  it('are added to a database that was made before there were any', async () => {
    await database.sql.schema.alterTable('products').dropColumn('version').execute();
    const [one, other] = [new CatalogDatabase(used), new CatalogDatabase(used)];
    await Promise.all([one.setUp(40), other.setUp(40)]);
    const later = new ProductsRepository(one);
    expect(await later.version('5')).toBe(1);
    expect(await later.change('5', { priceCents: 1 }, [1])).toMatchObject({ version: 2 });
    await Promise.all([one.onApplicationShutdown(), other.onApplicationShutdown()]);
  });
});

describe('seenVersions', () => {
  it.each([
    [undefined, 'any'],
    ['*', 'any'],
    ['"7~x8Kq_-1"', [7]],
    ['"7"', [7]],
    ['"7~a", "8~b" ,"9"', [7, 8, 9]],
    ['W/"7~a"', [7]],
    ['"x7"', []],
    ['"99999999999999999999"', []],
    ['"2147483648", "2147483647"', [2_147_483_647]],
    ['', []],
  ])('%j is %j', (field, expected) => {
    expect(seenVersions(field)).toEqual(expected);
  });
});
