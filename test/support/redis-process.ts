import { spawn } from 'node:child_process';
import { clearTimeout, setTimeout } from 'node:timers';
import { OwnProcess } from './process-keeper.js';

const LOG_LINES = 200;

/** `ready`: what the log says once it serves. `env`: added to ours. `within`: the longest start, ms (15000). */
export interface LaunchOptions {
  readonly ready: RegExp;
  readonly env?: Readonly<Record<string, string>>;
  readonly within?: number;
}

/** A running redis-server (or sentinel) with the last lines of its log. */
export interface RedisProcess {
  readonly own: OwnProcess;
  readonly log: readonly string[];
}

/** The port was taken between the draw and the bind: draw again. */
export class PortTakenError extends Error {}

/**
 * Starts `redis-server` (or what `STRATA_REDIS_SERVER` names, e.g. valkey-server) and resolves when it says it is
 * ready. Rejects with {@link PortTakenError}, with what to install when there is no such program, or with its log.
 */
export async function launchRedis(args: readonly string[], options: LaunchOptions): Promise<RedisProcess> {
  const program = process.env.STRATA_REDIS_SERVER ?? 'redis-server';
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...options.env } });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) => reject(new Error(notStarted(program, error), { cause: error })));
  });
  const own = new OwnProcess(child);
  const log: string[] = [];
  const within = options.within ?? 15_000;
  let slow = false;
  const tooLong = setTimeout(() => {
    slow = true;
    own.signal('SIGKILL');
  }, within);
  try {
    await new Promise<void>((resolve, reject) => {
      const read = (chunk: Buffer): void => {
        log.push(...chunk.toString().split('\n').filter(Boolean));
        log.splice(0, Math.max(0, log.length - LOG_LINES));
        if (log.some((line) => options.ready.test(line))) resolve();
      };
      child.stdout.on('data', read);
      child.stderr.on('data', read);
      // 'close', not 'exit': the log is complete only then, and it tells a taken port from a bad option.
      child.once('close', (code, signal) => {
        const why = slow
          ? `was not ready within ${within} ms`
          : `ended before it was ready (${signal ?? `code ${code}`})`;
        reject(failure(`${program} ${why}`, log));
      });
    });
  } finally {
    clearTimeout(tooLong);
  }
  return { own, log };
}

function notStarted(program: string, error: NodeJS.ErrnoException): string {
  return error.code === 'ENOENT'
    ? `These tests start their own Redis and found no \`${program}\`: install it (Debian: apt-get install redis-server) or set STRATA_REDIS_SERVER to its path.`
    : `${program} could not be started: ${error.message}`;
}

function failure(what: string, log: readonly string[]): Error {
  const message = `${what}. Its log:\n${log.slice(-20).join('\n')}`;
  return /Address already in use|Failed listening on port/.test(message)
    ? new PortTakenError(message)
    : new Error(message);
}
