import { type ChildProcess, execFileSync, spawn, type SpawnOptions } from 'node:child_process';
import { chmodSync, chownSync, existsSync, readdirSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { freePort } from '../support/free-port.js';
import { OwnProcess, ownDir } from '../support/process-keeper.js';

export interface PostgresServer {
  /** The URL of an empty database of its own. */
  readonly url: string;
  /** Ends the server at once; its files go with `stopAll`. */
  stop(): Promise<void>;
}

/** Starts a private PostgreSQL on a free loopback port. Throws with the line to run when PostgreSQL is not installed. */
export async function startPostgres(): Promise<PostgresServer> {
  const bin = findPostgres();
  const dir = ownDir('postgres');
  const account = unprivileged();
  if (account.uid !== undefined && account.gid !== undefined) {
    // mkdtemp keeps its folders to root; the server, which refuses to be root, must reach its own through the parent.
    chmodSync(dirname(dir), 0o711);
    chownSync(dir, account.uid, account.gid);
  }
  const data = join(dir, 'data');
  execFileSync(
    join(bin, 'initdb'),
    ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'],
    { ...account, cwd: dir, stdio: 'pipe' },
  );
  const port = await freePort();
  const args = ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', dir, '-F'];
  const server = await launch(join(bin, 'postgres'), args, { ...account, cwd: dir });
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    async stop() {
      // SIGINT is PostgreSQL's fast shutdown; SIGTERM would wait for every client to leave.
      server.signal('SIGINT');
      await server.exit;
    },
  };
}

async function launch(command: string, args: readonly string[], options: SpawnOptions): Promise<OwnProcess> {
  const child: ChildProcess = spawn(command, args, { ...options, stdio: ['ignore', 'ignore', 'pipe'] });
  const own = new OwnProcess(child);
  let log = '';
  await new Promise<void>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`postgres ended with code ${code}:\n${log}`)));
    child.stderr?.on('data', (text: Buffer) => {
      log += text.toString();
      if (log.includes('database system is ready to accept connections')) resolve();
    });
  });
  return own;
}

/** Debian keeps `initdb` and `postgres` off PATH, in a folder for each major version. */
function findPostgres(): string {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const path = (process.env.PATH ?? '').split(delimiter);
  const places = [...versions.map((version) => join(debian, version, 'bin')), ...path];
  const bin = places.find((place) => existsSync(join(place, 'initdb')) && existsSync(join(place, 'postgres')));
  if (!bin) {
    throw new Error('PostgreSQL is not installed, and this suite starts its own: run `apt-get install postgresql`.');
  }
  return bin;
}

/** The account `postgres` when we are root, which PostgreSQL refuses to run as; otherwise ourselves. */
function unprivileged(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}
