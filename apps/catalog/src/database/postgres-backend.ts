import { Pool, type PoolClient } from 'pg';
import type { SqlBackend, SqlResult, SqlSession } from './sql-backend.js';

// Any constant will do, as long as every instance uses the same one.
const SETUP_LOCK = 4_207_731;

/** PostgreSQL through a pool of ten connections, and one more that only cancels statements. */
export class PostgresBackend implements SqlBackend {
  readonly begin = 'begin';
  readonly setupLock = `select pg_advisory_xact_lock(${SETUP_LOCK})`;
  readonly #pool: Pool;
  readonly #cancels: Pool;

  constructor(connectionString: string) {
    const settings = { connectionString, connectionTimeoutMillis: 5_000 };
    this.#pool = new Pool({ ...settings, max: 10 });
    // A pool of its own: with all ten connections in a statement to cancel, the cancel would wait for itself.
    this.#cancels = new Pool({ ...settings, max: 1 });
    // An idle connection that breaks is replaced at its next use; without a listener it would end the process.
    for (const pool of [this.#pool, this.#cancels]) pool.on('error', () => {});
  }

  async acquire(): Promise<PostgresSession> {
    return new PostgresSession(await this.#pool.connect(), this.#cancels);
  }

  release(session: PostgresSession): void {
    session.client.release();
  }

  async close(): Promise<void> {
    await Promise.all([this.#pool.end(), this.#cancels.end()]);
  }
}

class PostgresSession implements SqlSession {
  readonly client: PoolClient & { readonly processID?: number };
  readonly #cancels: Pool;

  constructor(client: PoolClient, cancels: Pool) {
    this.client = client;
    this.#cancels = cancels;
  }

  async run(sql: string, parameters: readonly unknown[], signal?: AbortSignal): Promise<SqlResult> {
    let cancelled: Promise<unknown> | undefined;
    const cancel = (): void => {
      cancelled = this.#cancels.query('select pg_cancel_backend($1)', [this.client.processID]).catch(() => undefined);
    };
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      const { rows, rowCount } = await this.client.query<Record<string, unknown>>(sql, [...parameters]);
      return { rows, affected: rowCount ?? 0 };
    } catch (error) {
      throw signal?.aborted ? signal.reason : error;
    } finally {
      signal?.removeEventListener('abort', cancel);
      // The connection goes back to the pool only after the cancel has arrived: else it would hit the next statement.
      await cancelled;
    }
  }
}
