import type { CompiledQuery, DatabaseConnection, Driver, QueryResult } from 'kysely';
import type { QuerySignals } from './abort-plugin.js';
import { traceStatement } from '../telemetry/trace-statement.js';
import type { SqlBackend, SqlResult, SqlSession } from './sql-backend.js';

/** Called once for each statement sent to the database. */
export type StatementListener = (sql: string) => void;

/** Kysely's driver for every backend: sessions, transactions, the abort signal and the statement count live here once. */
export class QueryDriver implements Driver {
  readonly #backend: SqlBackend;
  readonly #signals: QuerySignals;
  readonly #onStatement: StatementListener;

  constructor(backend: SqlBackend, signals: QuerySignals, onStatement: StatementListener) {
    this.#backend = backend;
    this.#signals = signals;
    this.#onStatement = onStatement;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<BackendConnection> {
    return new BackendConnection(await this.#backend.acquire(), this.#signals, this.#onStatement);
  }

  async beginTransaction(connection: BackendConnection): Promise<void> {
    await connection.session.run(this.#backend.begin, []);
  }

  async commitTransaction(connection: BackendConnection): Promise<void> {
    await connection.session.run('commit', []);
  }

  async rollbackTransaction(connection: BackendConnection): Promise<void> {
    await connection.session.run('rollback', []);
  }

  async releaseConnection(connection: BackendConnection): Promise<void> {
    this.#backend.release(connection.session);
  }

  async destroy(): Promise<void> {
    await this.#backend.close();
  }
}

class BackendConnection implements DatabaseConnection {
  readonly session: SqlSession;
  readonly #signals: QuerySignals;
  readonly #onStatement: StatementListener;

  constructor(session: SqlSession, signals: QuerySignals, onStatement: StatementListener) {
    this.session = session;
    this.#signals = signals;
    this.#onStatement = onStatement;
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    const signal = this.#signals.get(query.queryId);
    signal?.throwIfAborted();
    this.#onStatement(query.sql);
    const run = async (): Promise<SqlResult> => this.session.run(query.sql, query.parameters, signal);
    const { rows, affected } = await traceStatement(query.sql, run);
    return { rows: rows as Row[], numAffectedRows: BigInt(affected) };
  }

  streamQuery(): AsyncIterableIterator<never> {
    throw new Error('The catalogue reads whole pages: streaming is not built.');
  }
}
