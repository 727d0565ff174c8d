import { join } from 'node:path';
import { Kysely, PostgresDialect, SqliteDialect } from 'kysely';
import Database from 'libsql';
import { Pool } from 'pg';
import { startPostgres, type PostgresServer } from '../e2e/catalog-postgres.js';
import { ownDir } from '../support/process-keeper.js';

/** Where a database is; both processes of a test open it from this. */
export interface Location {
  readonly kind: 'sqlite' | 'postgres';
  /** A file, or a URL. */
  readonly at: string;
}

/** A query builder of its own on a database: SQLite in a file, or PostgreSQL through a pool. Closed by `destroy()`. */
export function open<Schema>({ kind, at }: Location): Kysely<Schema> {
  if (kind === 'postgres') {
    const pool = new Pool({ connectionString: at, max: 4 });
    // A connection that ends while nobody queries is an 'error' event; without a listener it ends the process. The pool listens to those it
    // holds, nobody to those it has lent.
    pool.on('error', () => undefined);
    pool.on('connect', (client) => void client.on('error', () => undefined));
    return new Kysely({ dialect: new PostgresDialect({ pool }) });
  }
  const database = new Database(at);
  database.exec('pragma journal_mode = wal');
  database.exec('pragma busy_timeout = 5000');
  return new Kysely({ dialect: new SqliteDialect({ database: database as never }) });
}

let server: PostgresServer | undefined;

/** An empty database of that kind; PostgreSQL is started once for each suite, and stopped with everything else by `stopAll`. */
export async function freshDatabase(kind: Location['kind']): Promise<Location> {
  if (kind === 'sqlite') return { kind, at: join(ownDir('sqlite'), 'test.db') };
  server ??= await startPostgres();
  const name = `t${process.pid}_${Math.random().toString(36).slice(2)}`;
  const admin = new Pool({ connectionString: server.url, max: 1 });
  await admin.query(`create database ${name}`);
  await admin.end();
  return { kind, at: server.url.replace(/\/postgres$/, `/${name}`) };
}

/** Ends the PostgreSQL of this suite, if it has one. */
export async function stopDatabases(): Promise<void> {
  await server?.stop();
  server = undefined;
}
