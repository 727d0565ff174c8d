// @ts-check
// The thread that owns the SQLite connection. It is plain JavaScript, so that Node can start this very file from src/ (jest
// compiles only what it imports itself, and a Worker is not that) and from dist/ (tsc emits it because of `allowJs`).
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { setImmediate } from 'node:timers/promises';
import Database from 'libsql/promise';

const ROWS_PER_TURN = 100;
const INTERRUPT_EVERY_MS = 10;
const port = /** @type {import('node:worker_threads').MessagePort} */ (parentPort);
const file = /** @type {string} */ (workerData.file);

mkdirSync(dirname(file), { recursive: true });
const database = new Database(file, {});
/** @type {number | undefined} */
let running;
/** @type {NodeJS.Timeout | undefined} */
let interrupting;

/** @param {string} sql @param {unknown[]} parameters */
async function execute(sql, parameters) {
  const statement = await database.prepare(sql);
  if (!statement.reader) return { rows: [], affected: statement.run(parameters).changes };
  const rows = [];
  for (const row of await statement.iterate(parameters)) {
    // libsql steps rows synchronously. A turn of the loop now and then lets the interrupt message in.
    if (rows.push(row) % ROWS_PER_TURN === 0) await setImmediate();
  }
  return { rows, affected: rows.length };
}

/** @param {{ id: number, sql: string, parameters: unknown[] }} query */
async function answer({ id, sql, parameters }) {
  running = id;
  try {
    port.postMessage({ id, ...(await execute(sql, parameters)) });
  } catch (error) {
    const { message, code } = /** @type {Error & { code?: string }} */ (error);
    port.postMessage({ id, failure: { message, code } });
  } finally {
    clearInterval(interrupting);
    running = undefined;
  }
}

await database.exec('pragma busy_timeout = 5000');
await database.exec('pragma journal_mode = wal');
await database.exec('pragma synchronous = normal');
await database.exec('pragma foreign_keys = on');

port.on('message', async (message) => {
  if (message.close) {
    database.close();
    port.close();
  } else if (message.interrupt !== undefined) {
    // Only the statement that was meant: by the time the message arrives the next one may be running. Again and again,
    // because SQLite forgets an interrupt that comes before the first step, and libsql prepares and steps on its own threads.
    if (message.interrupt === running) {
      database.interrupt();
      interrupting = setInterval(() => database.interrupt(), INTERRUPT_EVERY_MS);
    }
  } else {
    await answer(message);
  }
});
