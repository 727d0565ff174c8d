import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { clearTimeout, setTimeout } from 'node:timers';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { OwnProcess } from '../support/process-keeper.js';

/** A reverse proxy that is to be started: its command line for a port, and what its log says when that port was taken. */
export interface CacheProgram {
  readonly program: string;
  readonly install: string;
  readonly args: (port: number) => readonly string[];
}

/** A running reverse proxy on loopback. */
export interface CacheServer {
  readonly port: number;
  readonly url: string;
  readonly own: OwnProcess;
}

const LOG_CHARACTERS = 8_000;
const PATIENCE = 20_000;

/** Starts a reverse proxy and resolves once it accepts connections; draws another port where one was taken meanwhile. */
export async function launchCache(program: CacheProgram): Promise<CacheServer> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    try {
      return { port, url: `http://127.0.0.1:${port}`, own: await launch(program, port) };
    } catch (error) {
      if (attempt >= 10 || !/Address already in use/.test(String(error))) throw error;
    }
  }
}

async function launch({ program, install, args }: CacheProgram, port: number): Promise<OwnProcess> {
  const child = spawn(program, args(port), { stdio: ['ignore', 'pipe', 'pipe'] });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause) =>
      reject(new Error(`no ${program}: install it (Debian: apt-get install ${install})`, { cause })),
    );
  });
  const own = new OwnProcess(child);
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (log = (log + chunk.toString()).slice(-LOG_CHARACTERS)));
  }
  const closed = new Promise<never>((_, reject) => {
    child.once('close', (code, signal) => reject(new Error(`${program} ended (${signal ?? code}):\n${log}`)));
  });
  const impatience = setTimeout(() => own.signal('SIGKILL'), PATIENCE);
  try {
    await Promise.race([
      closed,
      eventually(async () => accepts(port), { within: PATIENCE, what: `${program} listens` }),
    ]);
    return own;
  } finally {
    clearTimeout(impatience);
    closed.catch(() => undefined);
  }
}

async function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => socket.destroy());
    socket.once('error', () => resolve(false));
    socket.once('close', (hadError) => resolve(!hadError));
  });
}
