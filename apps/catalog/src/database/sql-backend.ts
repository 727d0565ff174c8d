export interface SqlResult {
  readonly rows: Record<string, unknown>[];
  readonly affected: number;
}

/** One database connection, held by one caller at a time. */
export interface SqlSession {
  /**
   * Runs one statement. When `signal` aborts, the statement is stopped inside the database and the promise rejects
   * with the signal's reason; the session stays usable.
   */
  run(sql: string, parameters: readonly unknown[], signal?: AbortSignal): Promise<SqlResult>;
}

/** What the one driver needs of a database: SQLite in a worker thread, or PostgreSQL. */
export interface SqlBackend {
  readonly begin: string;
  /** Run first in the transaction that creates the tables and seeds them, so that two instances do not both do it. */
  readonly setupLock: string | undefined;
  acquire(): Promise<SqlSession>;
  release(session: SqlSession): void;
  close(): Promise<void>;
}
