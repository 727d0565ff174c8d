import { spawn } from 'node:child_process';
import { clearTimeout, setTimeout } from 'node:timers';
import { OwnProcess } from './process-keeper.js';

const LOG_LINES = 200;

/** How a message broker is started. */
export interface BrokerLaunch {
  readonly program: string;
  readonly args: readonly string[];
  /** What its log says once it serves. */
  readonly ready: RegExp;
  /** The Debian package that has it. */
  readonly debian: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Longest start, ms. Default 60,000: RabbitMQ on two busy cores takes its time. */
  readonly within?: number;
}

/** A running broker with the last lines of its log. */
export interface BrokerProcess {
  readonly own: OwnProcess;
  readonly log: readonly string[];
}

/** Somebody took the port between the draw and the bind. */
export class BrokerPortTaken extends Error {}

/** Starts a broker and resolves once it says that it is ready. Rejects with its log, or with what to install when there is no such program. */
export async function launchBroker(launch: BrokerLaunch): Promise<BrokerProcess> {
  const { program, args, ready, debian, env, within = 60_000 } = launch;
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error: NodeJS.ErrnoException) => {
      const remedy = error.code === 'ENOENT' ? `install it (Debian: apt-get install ${debian})` : error.message;
      reject(new Error(`These tests start their own ${program}, which could not be started: ${remedy}`));
    });
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
      child.once('close', (code, signal) => {
        const why = slow ? `was not ready within ${within} ms` : `ended before it was ready (${signal ?? code})`;
        const message = `${program} ${why}. Its log:\n${log.slice(-20).join('\n')}`;
        reject(/in use|eaddrinuse/i.test(message) ? new BrokerPortTaken(message) : new Error(message));
      });
    });
  } finally {
    clearTimeout(tooLong);
  }
  return { own, log };
}
