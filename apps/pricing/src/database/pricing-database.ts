import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { OnApplicationShutdown } from '@nestjs/common';
import { Transactions } from '@strata-cache/nestjs';
import { Outbox, type SqlConnection, type SqlExecutor } from '@strata-cache/nestjs/microservices';
import { traceHeaders } from '@strata-cache/otel';
import {
  CamelCasePlugin,
  CompiledQuery,
  Kysely,
  PostgresDialect,
  sql as raw,
  SqliteDialect,
  type SqliteDatabase,
  type Transaction,
} from 'kysely';
import Database from 'libsql';
import { Pool } from 'pg';
import type { Settings } from '../settings.js';

export interface PriceRow {
  productId: string;
  priceCents: number;
  /** Rises with every change. */
  version: number;
  changedAt: string;
}

export interface Schema {
  prices: PriceRow;
}

// Any constant will do, as long as every instance uses the same one.
const SETUP_LOCK = 4_207_732;

/** What the outbox needs of kysely: one statement, wherever the given one runs its own. */
export function executorOf(sql: Kysely<Schema> | Transaction<Schema>): SqlExecutor {
  return (text, parameters) => sql.executeQuery(CompiledQuery.raw(text, [...parameters]));
}

/** The database of this service, and the outbox that lives in it: prices and events about them are committed together. */
export class PricingDatabase implements OnApplicationShutdown {
  readonly sql: Kysely<Schema>;
  readonly outbox: Outbox;
  /** Says when a transaction has committed: the outbox is looked at then, not only at the next poll. */
  readonly transactions = new Transactions();
  /** Of the tables; empty where the database has only one. */
  readonly #schema: string;
  readonly #plain: Kysely<Schema>;

  constructor({ databaseUrl, databaseFile }: Pick<Settings, 'databaseUrl' | 'databaseFile'>) {
    const dialect = databaseUrl ? postgres(databaseUrl) : sqlite(databaseFile);
    this.#schema = databaseUrl ? 'pricing.' : '';
    this.#plain = new Kysely({ dialect, plugins: [new CamelCasePlugin()] });
    this.sql = databaseUrl ? this.#plain.withSchema('pricing') : this.#plain;
    // An event belongs to the trace of whoever changed the price, however late it leaves.
    const kind = databaseUrl ? 'postgres' : 'sqlite';
    this.outbox = new Outbox({ dialect: kind, table: `${this.#schema}outbox`, headers: traceHeaders });
  }

  /** The connection of the outbox relay. */
  readonly connection: SqlConnection = (work) => this.#plain.connection().execute((held) => work(executorOf(held)));

  /** Runs `work` in a transaction; what waits for its commit runs before this resolves. */
  async transaction<Result>(work: (sql: Transaction<Schema>) => Promise<Result>): Promise<Result> {
    return this.transactions.around(() => this.sql.transaction().execute(work));
  }

  /** Creates what is missing. Two instances that start together do it once. */
  async setUp(): Promise<void> {
    await this.#plain.transaction().execute(async (sql) => {
      if (this.#schema) {
        await raw`select pg_advisory_xact_lock(${raw.lit(SETUP_LOCK)})`.execute(sql);
        await raw`create schema if not exists pricing`.execute(sql);
      }
      await raw
        .raw(
          `create table if not exists ${this.#schema}prices (
             product_id text primary key, price_cents integer not null, version integer not null, changed_at text not null)`,
        )
        .execute(sql);
      await this.outbox.createTable(executorOf(sql));
    });
  }

  // The last of Nest's hooks: the relay, which belongs to a module that imports this one, has published what waited.
  async onApplicationShutdown(): Promise<void> {
    await this.#plain.destroy();
  }
}

function postgres(connectionString: string): PostgresDialect {
  const pool = new Pool({ connectionString, max: 10, connectionTimeoutMillis: 5_000 });
  // A connection that ends while nobody queries is an 'error' event, which without a listener ends the process. The pool listens to those
  // it holds, nobody to those it has lent; the relay keeps one while it waits for the broker.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => void client.on('error', () => undefined));
  return new PostgresDialect({ pool });
}

function sqlite(file: string): SqliteDialect {
  mkdirSync(dirname(file), { recursive: true });
  const database = new Database(file);
  database.exec('pragma busy_timeout = 5000');
  database.exec('pragma journal_mode = wal');
  // libsql has the API of better-sqlite3, which kysely asks for.
  return new SqliteDialect({ database: database as unknown as SqliteDatabase });
}
