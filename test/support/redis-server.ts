import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from './eventually.js';
import { FakeClockFile } from './faketime.js';
import { freePort } from './free-port.js';
import { ownDir } from './process-keeper.js';
import { launchRedis } from './redis-process.js';
import { PortTakenError, type ServerProcess } from './server-process.js';
import { type RespEndpoint, respCall, type RespReply } from './resp.js';
import { makeTlsFiles, type TlsFiles } from './tls-files.js';

export { stopAll } from './process-keeper.js';

/** What a private Redis is started with; nothing is persisted and no password is asked for unless said here. */
export interface RedisServerOptions {
  /** Listen on a unix socket in the server's own folder and on no port. */
  readonly unixSocket?: boolean;
  /** Settings as in redis.conf; a value with spaces becomes several words: `{ maxmemory: '4mb', save: '900 1' }`. */
  readonly config?: Readonly<Record<string, string | number>>;
  /** Further command line words, as they are. */
  readonly args?: readonly string[];
  /** `requirepass`. */
  readonly password?: string;
  /** ACL users as in a `user` line without the word: `'app on >secret ~strata:* +get'`. */
  readonly users?: readonly string[];
  /** TLS only, with a self-signed authority; `'mutual'` also asks clients for a certificate. */
  readonly tls?: boolean | 'mutual';
  /** Start as a replica of that (running) server. */
  readonly replicaOf?: RedisServer;
  /** Start under libfaketime, the wall clock off by this much (`'+0'`, `'-10m'`); step it later with `stepClock`. */
  readonly faketime?: string;
  /** Also keep port + 10000 free: the bus of a cluster node. */
  readonly clusterBus?: boolean;
}

/** Name and password of the user that `cli` logs in with when `users` may have closed the default one. */
const ADMIN = { username: 'strata-test-admin', password: 'strata-test-admin' };
const DATA_FILES = ['dump.rdb', 'appendonlydir', 'appendonly.aof'];

/** One private `redis-server` on loopback, which a test may freeze, kill, restart and set the clock of. */
export class RedisServer {
  /** The server's own folder: its dump.rdb, its socket. */
  readonly dir: string;
  readonly #options: RedisServerOptions;
  readonly #clock: FakeClockFile | undefined;
  #tls: TlsFiles | undefined;
  #port: number | undefined;
  #process: ServerProcess | undefined;

  constructor(options: RedisServerOptions = {}) {
    this.#options = options;
    this.dir = ownDir('redis');
    this.#clock = options.faketime === undefined ? undefined : new FakeClockFile(this.dir, options.faketime);
  }

  /** Starts and resolves when ready; on a restart, on the port it had before. */
  async start(): Promise<this> {
    if (this.running) throw new Error('RedisServer.start: it is running already.');
    if (this.#options.tls) this.#tls ??= await makeTlsFiles();
    for (let attempt = 1; ; attempt += 1) {
      const port = this.#options.unixSocket
        ? 0
        : (this.#port ?? (await freePort(this.#options.clusterBus ? [10_000] : [])));
      try {
        this.#process = await launchRedis(this.#arguments(port), {
          ready: /ready to accept connections/i,
          env: this.#clock?.env,
        });
        this.#port = port;
        return this;
      } catch (error) {
        if (!(error instanceof PortTakenError) || attempt >= 40) throw error;
        if (this.#port !== undefined) await delay(50);
      }
    }
  }

  /** SIGTERM, also when frozen; saves an RDB only where `save` points are set. Nothing happens when it is down. */
  async stop(): Promise<void> {
    await this.#process?.own.terminate();
  }

  /** SIGKILL: what was not on disk is lost. */
  async kill9(): Promise<void> {
    await this.#process?.own.kill9();
  }

  /**
   * Stops it if it runs, and starts it on the same port, from the dump.rdb (or AOF) in its folder. With
   * `keepData: false` it comes back empty. An older state: `saveRdb()`, write more, `kill9()`, `restart()`.
   */
  async restart({ keepData = true }: { readonly keepData?: boolean } = {}): Promise<void> {
    await this.stop();
    if (!keepData) for (const name of DATA_FILES) rmSync(join(this.dir, name), { recursive: true, force: true });
    await this.start();
  }

  /** SIGSTOP: connections stay open, new ones are accepted by the kernel, nothing answers. */
  async freeze(): Promise<void> {
    await this.#running().own.freeze();
  }

  /** SIGCONT. */
  thaw(): void {
    this.#running().own.thaw();
  }

  /** Writes dump.rdb now, whatever the `save` points are. */
  async saveRdb(): Promise<void> {
    await this.cli('SAVE');
    if (!existsSync(join(this.dir, 'dump.rdb'))) throw new Error('RedisServer.saveRdb: SAVE left no dump.rdb.');
  }

  /** Steps the wall clock of the running server: `'-10m'`, `'+0'`. Needs the option `faketime`. */
  stepClock(offset: string): void {
    if (!this.#clock) throw new Error("RedisServer.stepClock needs the option `faketime`, e.g. faketime: '+0'.");
    this.#clock.set(offset);
  }

  /** One command over a connection of its own, as administrator; rejects with Redis' error, or after 5 s of silence. */
  async cli(...command: (string | number | Buffer)[]): Promise<RespReply> {
    const [reply] = await this.cliAll([command]);
    return reply;
  }

  /** Several commands over one connection, in order. */
  async cliAll(commands: readonly (readonly (string | number | Buffer)[])[]): Promise<RespReply[]> {
    const login = this.#options.users?.length ? ADMIN : {};
    return respCall({ ...this.connection, ...login }, commands);
  }

  /** `INFO` (of one section) as a flat record. */
  async info(section = 'default'): Promise<Record<string, string>> {
    const lines = String(await this.cli('INFO', section)).split('\r\n');
    const pairs = lines.filter((line) => line.includes(':') && !line.startsWith('#'));
    return Object.fromEntries(
      pairs.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]),
    );
  }

  /**
   * How often each command ran since `resetCommandCalls()`, from commandstats; commands inside scripts count too, and
   * so do our own `config|resetstat` and `info`.
   */
  async commandCalls(): Promise<Record<string, number>> {
    const stats = Object.entries(await this.info('commandstats'));
    return Object.fromEntries(
      stats.map(([name, text]) => [name.replace('cmdstat_', ''), Number(/calls=(\d+)/.exec(text)?.[1])]),
    );
  }

  async resetCommandCalls(): Promise<void> {
    await this.cli('CONFIG', 'RESETSTAT');
  }

  /** Resolves when `count` (1) replicas are online, which is when Sentinel can see them. */
  async waitForReplicas(count = 1): Promise<void> {
    const online = async (): Promise<boolean> => {
      const replicas = Object.entries(await this.info('replication')).filter(([name]) => /^slave\d+$/.test(name));
      return replicas.filter(([, text]) => text.includes('state=online')).length >= count;
    };
    await eventually(online, { within: 15_000, what: `${count} replica(s) of port ${this.port} online` });
  }

  get running(): boolean {
    return this.#process?.own.running ?? false;
  }

  get port(): number {
    if (this.#port === undefined) throw new Error('RedisServer.port: start() first.');
    return this.#port;
  }

  get pid(): number {
    return this.#running().own.pid;
  }

  /** The unix socket, when `unixSocket` was asked for. */
  get socketPath(): string | undefined {
    return this.#options.unixSocket ? join(this.dir, 'redis.sock') : undefined;
  }

  /** What `new Redis(...)` of ioredis takes: host and port or path, password, tls; without an ACL user. */
  get connection(): RespEndpoint {
    const where = this.socketPath === undefined ? { host: '127.0.0.1', port: this.port } : { path: this.socketPath };
    const password = this.#options.password === undefined ? {} : { password: this.#options.password };
    return { ...where, ...password, ...(this.#tls ? { tls: this.tls } : {}) };
  }

  /** `redis://`, `rediss://` or the socket's path: what ioredis takes as a url. The authority of TLS is in `tls`. */
  get url(): string {
    const password = this.#options.password === undefined ? '' : `:${encodeURIComponent(this.#options.password)}@`;
    return this.socketPath ?? `redis${this.#tls ? 's' : ''}://${password}127.0.0.1:${this.port}`;
  }

  /** The authority to trust, and a client certificate for `tls: 'mutual'`, as PEM text. */
  get tls(): { readonly ca: string; readonly cert: string; readonly key: string } {
    if (!this.#tls) throw new Error('RedisServer.tls: set the option `tls` and start() first.');
    return { ca: this.#tls.ca, cert: this.#tls.cert, key: this.#tls.key };
  }

  /** The last lines of the log, for a failing test. */
  get log(): readonly string[] {
    return this.#process?.log ?? [];
  }

  #running(): ServerProcess {
    if (!this.#process?.own.running) throw new Error('RedisServer: it is not running; start() or restart() it first.');
    return this.#process;
  }

  #arguments(port: number): string[] {
    const { config = {}, args = [], password, users = [], replicaOf } = this.#options;
    const settings: Record<string, string | number> = {
      bind: '127.0.0.1',
      dir: this.dir,
      save: '',
      appendonly: 'no',
      'repl-diskless-sync-delay': 0,
      ...(this.#tls ? this.#tlsSettings(this.#tls, port) : { port }),
      ...(this.socketPath === undefined ? {} : { unixsocket: this.socketPath }),
      ...(password === undefined ? {} : { requirepass: password, masterauth: password }),
      ...(replicaOf ? { replicaof: `127.0.0.1 ${replicaOf.port}` } : {}),
      ...config,
    };
    const admin = users.length > 0 ? [`${ADMIN.username} on >${ADMIN.password} ~* &* +@all`] : [];
    return [
      ...Object.entries(settings).flatMap(([name, value]) => [`--${name}`, ...String(value).split(' ')]),
      ...[...users, ...admin].flatMap((user) => ['--user', ...user.split(' ')]),
      ...args,
    ];
  }

  #tlsSettings(files: TlsFiles, port: number): Record<string, string | number> {
    return {
      port: 0,
      'tls-port': port,
      'tls-cert-file': files.certFile,
      'tls-key-file': files.keyFile,
      'tls-ca-cert-file': files.caFile,
      'tls-auth-clients': this.#options.tls === 'mutual' ? 'yes' : 'no',
      'tls-replication': 'yes',
    };
  }
}
