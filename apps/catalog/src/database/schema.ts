import { sql as raw, type ColumnType, type Generated, type Kysely, type Transaction } from 'kysely';

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
  /** Rises by one with every change: what If-Match compares. `updatedAt` cannot do that, two changes may share a millisecond. */
  version: number;
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

/** The token of the lease that touched a row last: the row refuses an older one. pg reads such a column as text. */
type TokenColumn = ColumnType<number | string, bigint, bigint>;

export interface StockRow {
  productId: string;
  available: number;
  token: TokenColumn;
}

export interface ReservationRow {
  id: string;
  productId: string;
  quantity: number;
  createdAt: string;
}

/** How far the re-pricing of one night has come. */
export interface RepricingRow {
  /** A date, 2026-11-20. */
  night: string;
  token: TokenColumn;
  /** The last product looked at, in the order of ids; empty before the first. */
  cursor: Generated<string>;
  /** How many products changed. */
  repriced: Generated<number>;
  startedAt: string;
  finishedAt: string | null;
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
  stock: StockRow;
  reservations: ReservationRow;
  repricing: RepricingRow;
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
    .addColumn('version', 'integer', (c) => c.notNull().defaultTo(1))
    .execute();
  await addVersion(sql);
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
    .createTable('stock')
    .ifNotExists()
    .addColumn('productId', 'text', (c) => c.primaryKey().references('products.id').onDelete('cascade'))
    // The last line of defence: whatever goes wrong above, what is not there is not sold.
    .addColumn('available', 'integer', (c) => c.notNull().check(raw`available >= 0`))
    .addColumn('token', 'bigint', (c) => c.notNull())
    .execute();
  await sql.schema
    .createTable('reservations')
    .ifNotExists()
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('productId', 'text', (c) => c.notNull().references('products.id').onDelete('cascade'))
    .addColumn('quantity', 'integer', (c) => c.notNull())
    .addColumn('createdAt', 'text', (c) => c.notNull())
    .execute();
  await sql.schema
    .createTable('repricing')
    .ifNotExists()
    .addColumn('night', 'text', (c) => c.primaryKey())
    .addColumn('token', 'bigint', (c) => c.notNull())
    .addColumn('cursor', 'text', (c) => c.notNull().defaultTo(''))
    .addColumn('repriced', 'integer', (c) => c.notNull().defaultTo(0))
    .addColumn('startedAt', 'text', (c) => c.notNull())
    .addColumn('finishedAt', 'text')
    .execute();
  await sql.schema
    .createTable('seeds')
    .ifNotExists()
    .addColumn('name', 'text', (c) => c.primaryKey())
    .addColumn('products', 'integer', (c) => c.notNull())
    .addColumn('seededAt', 'text', (c) => c.notNull())
    .execute();
  await sql.schema.createIndex('products_category').ifNotExists().on('products').column('categoryId').execute();
  await sql.schema.createIndex('reservations_product').ifNotExists().on('reservations').column('productId').execute();
  await sql.schema.createIndex('reviews_product').ifNotExists().on('reviews').column('productId').execute();
}

/** For a database that was made before products had a version. */
async function addVersion(sql: Sql): Promise<void> {
  const tables = await sql.introspection.getTables();
  const products = tables.find((table) => table.name === 'products');
  if (products?.columns.some((column) => column.name === 'version')) return;
  await sql.schema
    .alterTable('products')
    .addColumn('version', 'integer', (c) => c.notNull().defaultTo(1))
    .execute();
}
