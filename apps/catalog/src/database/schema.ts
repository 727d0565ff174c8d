import type { Kysely, Transaction } from 'kysely';

/** Rows as both databases give them: instants are ISO 8601 text, money is whole cents. Columns are snake_case in SQL. */
export interface CategoryRow {
  id: string;
  name: string;
  description: string;
}

export interface ProductRow {
  id: string;
  name: string;
  description: string;
  categoryId: string;
  priceCents: number;
  listPriceCents: number;
  createdAt: string;
  updatedAt: string;
}

export interface CustomerRow {
  id: string;
  name: string;
  country: string;
}

export interface ReviewRow {
  id: string;
  productId: string;
  customerId: string;
  rating: number;
  body: string;
  createdAt: string;
}

/** One row says which data the tables hold; it is written in the transaction that fills them. */
export interface SeedRow {
  name: string;
  products: number;
  seededAt: string;
}

export interface Schema {
  categories: CategoryRow;
  products: ProductRow;
  customers: CustomerRow;
  reviews: ReviewRow;
  seeds: SeedRow;
}

export type Sql = Kysely<Schema> | Transaction<Schema>;

/** Creates what is missing. The types are the ones SQLite and PostgreSQL share. */
export async function createTables(sql: Sql): Promise<void> {
  await sql.schema
    .createTable('categories')
    .ifNotExists()
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('description', 'text', (c) => c.notNull())
    .execute();
  await sql.schema
    .createTable('products')
    .ifNotExists()
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('description', 'text', (c) => c.notNull())
    .addColumn('categoryId', 'text', (c) => c.notNull().references('categories.id'))
    .addColumn('priceCents', 'integer', (c) => c.notNull())
    .addColumn('listPriceCents', 'integer', (c) => c.notNull())
    .addColumn('createdAt', 'text', (c) => c.notNull())
    .addColumn('updatedAt', 'text', (c) => c.notNull())
    .execute();
  await sql.schema
    .createTable('customers')
    .ifNotExists()
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('country', 'text', (c) => c.notNull())
    .execute();
  await sql.schema
    .createTable('reviews')
    .ifNotExists()
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('productId', 'text', (c) => c.notNull().references('products.id').onDelete('cascade'))
    .addColumn('customerId', 'text', (c) => c.notNull().references('customers.id'))
    .addColumn('rating', 'integer', (c) => c.notNull())
    .addColumn('body', 'text', (c) => c.notNull())
    .addColumn('createdAt', 'text', (c) => c.notNull())
    .execute();
  await sql.schema
    .createTable('seeds')
    .ifNotExists()
    .addColumn('name', 'text', (c) => c.primaryKey())
    .addColumn('products', 'integer', (c) => c.notNull())
    .addColumn('seededAt', 'text', (c) => c.notNull())
    .execute();
  await sql.schema.createIndex('products_category').ifNotExists().on('products').column('categoryId').execute();
  await sql.schema.createIndex('reviews_product').ifNotExists().on('reviews').column('productId').execute();
}
