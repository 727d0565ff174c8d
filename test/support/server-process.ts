import { spawn } from 'node:child_process';
import { clearTimeout, setTimeout } from 'node:timers';
import { OwnProcess } from './process-keeper.js';

const LOG_LINES = 200;

/** How a server is started. */
export interface ServerLaunch {
  readonly program: string;
  readonly args: readonly string[];
  /** What its log says once it serves. */
  readonly ready: RegExp;
  /** The Debian package that has it, and what else helps where it is missing. */
  readonly debian: string;
  readonly otherwise?: string;
  /** Added to ours. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Longest start, ms. Default 60,000: RabbitMQ on two busy cores takes its time. */
  readonly within?: number | undefined;
}

/** A running server with the last lines of its log. */
export interface ServerProcess {
  readonly own: OwnProcess;
  readonly log: readonly string[];
}

/** The port was taken between the draw and the bind: draw again. */
export class PortTakenError extends Error {}

/**
 * Starts a server and resolves once it says that it is ready. Rejects with {@link PortTakenError}, with what to install
 * when there is no such program, or with its log.
 */
export async function launchServer(launch: ServerLaunch): Promise<ServerProcess> {
  const { program, args, ready, env, within = 60_000 } = launch;
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) => reject(new Error(notStarted(launch, error), { cause: error })));
  });
  const own = new OwnProcess(child);
  const log: string[] = [];
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
        if (log.some((line) => ready.test(line))) resolve();
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

function notStarted({ program, debian, otherwise = '' }: ServerLaunch, error: NodeJS.ErrnoException): string {
  return error.code === 'ENOENT'
    ? `These tests start their own \`${program}\` and found none: install it (Debian: apt-get install ${debian})${otherwise}.`
    : `${program} could not be started: ${error.message}`;
}

function failure(what: string, log: readonly string[]): Error {
  const message = `${what}. Its log:\n${log.slice(-20).join('\n')}`;
  return /in use|eaddrinuse|Failed listening on port/i.test(message) ? new PortTakenError(message) : new Error(message);
}
