import { fork } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CHILD = join(dirname(fileURLToPath(import.meta.url)), 'child.mjs');
/** Longest one answer of a measured process may take, ms. */
const PATIENCE = 240_000;

/**
 * One contender in a process of its own: its heap, its compiled code and its garbage are not the others'.
 * `work` names a module of work/, `cell` is what its `prepare` is given.
 */
export class MeasuredProcess {
  #child;
  #waiting = [];
  #gone;
  #name;
  #log = '';

  constructor(work, cell, { execArgv = [], libs }) {
    this.#name = `${work}: ${cell.contender}`;
    this.#child = fork(CHILD, [work, JSON.stringify(cell)], {
      execArgv: ['--no-warnings', ...execArgv],
      env: { ...process.env, STRATA_BENCH_LIBS: libs, NODE_ENV: 'production' },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      serialization: 'advanced',
    });
    // Some peers log every failing loader.
    const keep = (chunk) => (this.#log = (this.#log + chunk).slice(-2_000));
    this.#child.stdout.on('data', keep);
    this.#child.stderr.on('data', keep);
    this.#child.on('message', (message) => this.#waiting.shift()?.(message));
    this.#child.on('exit', (code, signal) => {
      this.#gone = new Error(`${this.#name} ended (${signal ?? code})\n${this.#log}`);
      for (const answer of this.#waiting.splice(0)) answer({ error: this.#gone.message });
    });
  }

  get pid() {
    return this.#child.pid;
  }

  /** Calls a method of what `prepare` returned; the first answer is that it is ready. */
  async ask(method, argument) {
    if (this.#gone !== undefined) throw this.#gone;
    const answer = await new Promise((resolve) => {
      const timer = setTimeout(() => resolve({ error: `no answer within ${PATIENCE} ms` }), PATIENCE);
      this.#waiting.push((message) => {
        clearTimeout(timer);
        resolve(message);
      });
      this.#child.send({ method, argument });
    });
    if (answer.error !== undefined) throw new Error(`${this.#name}: ${method}: ${answer.error}`);
    return answer.value;
  }

  async close() {
    if (this.#gone !== undefined) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    const late = setTimeout(() => this.#child.kill('SIGKILL'), 2_000);
    this.#child.disconnect();
    await ended;
    clearTimeout(late);
  }
}
