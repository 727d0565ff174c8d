import { sql as raw } from 'kysely';
import type { Schema, Sql } from './schema.js';
import { categories, customers, products, reviews } from './seed-data.js';

const REVIEWS_PER_PRODUCT = 20;
// SQLite takes 32,766 parameters in a statement and PostgreSQL 65,535; a product has nine columns.
const ROWS_PER_INSERT = 1_000;
const SEED = 'catalogue-v1';
const STOCK_SEED = 'stock-v1';
const STOCK = 20;

export interface Seeded {
  readonly products: number;
  readonly reviews: number;
}

/**
 * Fills empty tables and leaves a marker; returns undefined when the marker is there already. Runs in the caller's
 * transaction, so that an interrupted seeding leaves nothing behind.
 */
export async function seed(sql: Sql, productCount: number): Promise<Seeded | undefined> {
  if (!(await mark(sql, SEED, productCount))) return undefined;
  const customerCount = Math.max(20, Math.floor(productCount / 2));
  const reviewCount = productCount * REVIEWS_PER_PRODUCT;
  await insertAll(sql, 'categories', categories());
  await insertAll(sql, 'customers', customers(customerCount));
  await insertAll(sql, 'products', products(productCount));
  await insertAll(sql, 'reviews', reviews(reviewCount, productCount, customerCount));
  return { products: productCount, reviews: reviewCount };
}

/** Gives every product a stock, once: also in a database that was filled before there was one. Returns whether it did. */
export async function seedStock(sql: Sql, productCount: number): Promise<boolean> {
  if (!(await mark(sql, STOCK_SEED, productCount))) return false;
  await sql
    .insertInto('stock')
    .columns(['productId', 'available', 'token'])
    .expression((from) =>
      from
        .selectFrom('products')
        .select([
          'id',
          raw<number>`cast(${STOCK} as integer)`.as('available'),
          raw<number>`cast(0 as bigint)`.as('token'),
        ])
        // Without it SQLite takes ON CONFLICT for the ON of a join.
        .where(raw<boolean>`1 = 1`),
    )
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  return true;
}

/** Leaves a marker; false when it is there already. */
async function mark(sql: Sql, name: string, products: number): Promise<boolean> {
  const marker = await sql
    .insertInto('seeds')
    .values({ name, products, seededAt: new Date().toISOString() })
    .onConflict((conflict) => conflict.doNothing())
    .returning('name')
    .execute();
  return marker.length > 0;
}

async function insertAll<T extends keyof Schema>(sql: Sql, table: T, rows: Iterable<Schema[T]>): Promise<void> {
  let batch: Schema[T][] = [];
  const flush = async (): Promise<void> => {
    // The generic table makes kysely's insert type unresolvable; the rows are that table's rows by the signature above.
    if (batch.length > 0)
      await sql
        .insertInto(table)
        .values(batch as never)
        .execute();
    batch = [];
  };
  for (const row of rows) {
    if (batch.push(row) === ROWS_PER_INSERT) await flush();
  }
  await flush();
}
