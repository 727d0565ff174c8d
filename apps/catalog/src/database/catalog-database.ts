import { Logger, type OnApplicationShutdown } from '@nestjs/common';
import {
  CamelCasePlugin,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  sql as raw,
  type Dialect,
} from 'kysely';
import type { Settings } from '../settings.js';
import { AbortPlugin, type QuerySignals } from './abort-plugin.js';
import { PostgresBackend } from './postgres-backend.js';
import { QueryDriver } from './query-driver.js';
import { createTables, type Schema, type Sql } from './schema.js';
import { seed, seedStock } from './seed.js';
import type { SqlBackend } from './sql-backend.js';
import { SqliteBackend } from './sqlite-backend.js';

/** The catalogue's database: one schema and one query builder over embedded SQLite or PostgreSQL. */
export class CatalogDatabase implements OnApplicationShutdown {
  /** The query builder. Inside `transaction()` use the one that is handed in. */
  readonly sql: Kysely<Schema>;
  readonly #signals: QuerySignals = new WeakMap();
  readonly #setupLock: string | undefined;
  #statements = 0;

  constructor(settings: Pick<Settings, 'databaseUrl' | 'databaseFile'>) {
    const { databaseUrl, databaseFile } = settings;
    const backend = databaseUrl ? new PostgresBackend(databaseUrl) : new SqliteBackend(databaseFile);
    this.#setupLock = backend.setupLock;
    this.sql = new Kysely({ dialect: this.#dialect(backend, Boolean(databaseUrl)), plugins: [new CamelCasePlugin()] });
  }

  /** How many statements went to the database so far: what a cache saves, counted where it is saved. */
  get statements(): number {
    return this.#statements;
  }

  /** The query builder for work that may be given up: when `signal` aborts, the running statement is stopped. */
  reading(signal: AbortSignal | undefined): Kysely<Schema> {
    return signal ? this.sql.withPlugin(new AbortPlugin(this.#signals, signal)) : this.sql;
  }

  /** Creates the tables and, once, fills them with `products` products. Two instances that start together do it once. */
  async setUp(products: number): Promise<void> {
    const startedAt = performance.now();
    const seeded = await this.sql.transaction().execute(async (transaction: Sql) => {
      if (this.#setupLock) await raw.raw(this.#setupLock).execute(transaction);
      await createTables(transaction);
      const filled = await seed(transaction, products);
      await seedStock(transaction, products);
      return filled;
    });
    if (seeded) {
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
      new Logger('CatalogDatabase').log(
        `Seeded ${seeded.products} products and ${seeded.reviews} reviews in ${seconds} s`,
      );
    }
  }

  // The last of Nest's hooks: the engine has drained its background loads by then.
  async onApplicationShutdown(): Promise<void> {
    await this.sql.destroy();
  }

  #dialect(backend: SqlBackend, postgres: boolean): Dialect {
    return {
      createAdapter: () => (postgres ? new PostgresAdapter() : new SqliteAdapter()),
      createDriver: () => new QueryDriver(backend, this.#signals, () => (this.#statements += 1)),
      createIntrospector: (db) => (postgres ? new PostgresIntrospector(db) : new SqliteIntrospector(db)),
      createQueryCompiler: () => (postgres ? new PostgresQueryCompiler() : new SqliteQueryCompiler()),
    };
  }
}
