import type { SqlBackend } from './sql-backend.js';
import { SqliteThread } from './sqlite-thread.js';

/** Embedded SQLite: one thread, one connection, callers in the order they came. A thread that died is replaced. */
export class SqliteBackend implements SqlBackend {
  // `immediate`: a transaction that starts as a reader and turns writer fails when another process has written in between.
  readonly begin = 'begin immediate';
  readonly setupLock = undefined;
  readonly #file: string;
  readonly #queue: ((thread: SqliteThread) => void)[] = [];
  #thread: SqliteThread | undefined;
  #busy = false;
  #closed = false;

  constructor(file: string) {
    this.#file = file;
  }

  async acquire(): Promise<SqliteThread> {
    if (this.#closed) throw new Error('The database is closed: the application is shutting down.');
    return this.#turn();
  }
  release(): void {
    const next = this.#queue.shift();
    if (next) next(this.#living());
    else this.#busy = false;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    // In its turn: whoever waits already is still answered.
    await this.#turn();
    await this.#thread?.close();
  }

  async #turn(): Promise<SqliteThread> {
    if (this.#busy) return new Promise((resolve) => this.#queue.push(resolve));
    this.#busy = true;
    return this.#living();
  }

  #living(): SqliteThread {
    if (!this.#thread?.alive) this.#thread = new SqliteThread(this.#file);
    return this.#thread;
  }
}
