import { Worker } from 'node:worker_threads';
import type { SqlResult, SqlSession } from './sql-backend.js';

type Answer = { id: number } & (SqlResult | { failure: { message: string; code?: string } });

interface Waiting {
  readonly resolve: (result: SqlResult) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * One worker thread with one SQLite connection. libsql blocks its thread for the whole query; here that is not the thread
 * that answers HTTP.
 *
 * An abort interrupts the statement and keeps the thread. Terminating the thread instead, the obvious way, ends the whole
 * process: libsql's native code panics when its query returns into a thread that is being torn down.
 */
export class SqliteThread implements SqlSession {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  readonly #exited: Promise<void>;
  #lastId = 0;
  #stopped: Error | undefined;

  constructor(file: string) {
    this.#worker = new Worker(new URL('./sqlite-worker.mjs', import.meta.url), { workerData: { file } });
    this.#worker.on('message', (answer: Answer) => this.#settle(answer));
    this.#worker.on('error', (error) => this.#stop(error));
    this.#exited = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        this.#stop();
        resolve();
      });
    });
  }

  /** False once the thread has ended: a new one is needed, and a transaction that was open is rolled back. */
  get alive(): boolean {
    return this.#stopped === undefined;
  }

  async run(sql: string, parameters: readonly unknown[], signal?: AbortSignal): Promise<SqlResult> {
    if (this.#stopped) throw this.#stopped;
    const id = ++this.#lastId;
    const interrupt = (): void => this.#worker.postMessage({ interrupt: id });
    signal?.addEventListener('abort', interrupt, { once: true });
    try {
      return await new Promise<SqlResult>((resolve, reject) => {
        this.#waiting.set(id, { resolve, reject });
        this.#worker.postMessage({ id, sql, parameters });
      });
    } catch (error) {
      throw signal?.aborted ? signal.reason : error;
    } finally {
      signal?.removeEventListener('abort', interrupt);
    }
  }

  /** Lets the thread finish what it runs, close the file and end by itself. */
  async close(): Promise<void> {
    if (this.alive) this.#worker.postMessage({ close: true });
    await this.#exited;
  }

  #settle(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ('failure' in answer) {
      waiting?.reject(Object.assign(new Error(answer.failure.message), { code: answer.failure.code }));
    } else {
      waiting?.resolve(answer);
    }
  }

  /** Nothing is retried: the caller alone knows whether its statement may run twice. */
  #stop(cause?: Error): void {
    this.#stopped ??= new Error(
      `The SQLite thread has ended before it answered${cause ? `: ${cause.message}` : ''}. The next query starts a new one.`,
      {
        cause,
      },
    );
    for (const waiting of this.#waiting.values()) waiting.reject(this.#stopped);
    this.#waiting.clear();
  }
}
