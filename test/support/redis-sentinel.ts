import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from './eventually.js';
import { freePort } from './free-port.js';
import { ownDir } from './process-keeper.js';
import { launchRedis } from './redis-process.js';
import { PortTakenError, type ServerProcess } from './server-process.js';
import { RedisServer } from './redis-server.js';
import { respCall, type RespReply } from './resp.js';

/** `name` of the master group ('mymaster'); `downAfter` ms of silence (500); `password` of the data nodes. */
export interface RedisSentinelOptions {
  readonly name?: string;
  readonly downAfter?: number;
  readonly password?: string;
}

interface Sentinel {
  readonly port: number;
  readonly process: ServerProcess;
}

/** A master, a replica and three sentinels on loopback. */
export class RedisSentinel {
  readonly name: string;
  /** The two data nodes; which one is master is told by `master()`. */
  readonly servers: readonly [RedisServer, RedisServer];
  readonly #downAfter: number;
  readonly #password: string | undefined;
  #sentinels: readonly Sentinel[] = [];

  constructor({ name = 'mymaster', downAfter = 500, password }: RedisSentinelOptions = {}) {
    this.name = name;
    this.#downAfter = downAfter;
    this.#password = password;
    const auth = password === undefined ? {} : { password };
    const master = new RedisServer(auth);
    this.servers = [master, new RedisServer({ ...auth, replicaOf: master })];
  }

  /** Resolves when every sentinel knows the replica and the other two sentinels (2 to 3 s). */
  async start(): Promise<this> {
    const [master, replica] = this.servers;
    await master.start();
    await replica.start();
    // Before the sentinels look: one that finds no replica at first sees it only at its next INFO, 10 s later.
    await master.waitForReplicas(1);
    this.#sentinels = await Promise.all([1, 2, 3].map(async () => this.#startSentinel(master.port)));
    const known = ({ port }: Sentinel): Promise<boolean> => this.#knowsAll(port);
    await eventually(async () => (await Promise.all(this.#sentinels.map(known))).every(Boolean), {
      within: 20_000,
      every: 50,
      what: 'the sentinels know each other and the replica',
    });
    return this;
  }

  /** What ioredis takes as `sentinels`. */
  get sentinels(): { readonly host: string; readonly port: number }[] {
    return this.#sentinels.map(({ port }) => ({ host: '127.0.0.1', port }));
  }

  /** Where the sentinels (most of them) say the master is. */
  async masterPort(): Promise<number> {
    const said = await Promise.all(this.#sentinels.map(async ({ port }) => this.#masterAsSeenBy(port)));
    const agreed = said.find((port) => said.filter((other) => other === port).length * 2 > said.length);
    if (agreed === undefined) throw new Error(`The sentinels disagree about the master: ports ${said.join(', ')}.`);
    return agreed;
  }

  /** The node that most sentinels call master. */
  async master(): Promise<RedisServer> {
    return this.#serverAt(await this.masterPort());
  }

  /**
   * kill -9 of the master; resolves with the new one once most sentinels name it and it says it is master (2 to 4 s).
   * The old one, restarted, is a master of its own until Sentinel demotes it about 10 s later: a split brain to test.
   */
  async failover(): Promise<RedisServer> {
    const old = await this.master();
    await old.kill9();
    return this.#promoted(old);
  }

  /** `SENTINEL FAILOVER`: the master stays up and becomes the replica. Resolves with the new master. */
  async switchover(): Promise<RedisServer> {
    const old = await this.master();
    await respCall({ port: this.#sentinels[0].port }, [['SENTINEL', 'FAILOVER', this.name]]);
    return this.#promoted(old);
  }

  /** SIGKILL of everything. */
  async stop(): Promise<void> {
    await Promise.all(this.servers.map(async (server) => server.kill9()));
    await Promise.all(this.#sentinels.map(async ({ process }) => process.own.kill9()));
  }

  async #promoted(old: RedisServer): Promise<RedisServer> {
    const other = async (): Promise<RedisServer | false> => {
      const now = await this.master();
      return now !== old && (await now.info('replication')).role === 'master' && now;
    };
    return eventually(other, { within: 30_000, every: 50, what: 'the sentinels promote the replica' });
  }

  #serverAt(port: number): RedisServer {
    const found = this.servers.find((server) => server.port === port);
    if (!found) throw new Error(`RedisSentinel: the sentinels name port ${port}, which is not ours.`);
    return found;
  }

  async #startSentinel(masterPort: number): Promise<Sentinel> {
    const dir = ownDir('sentinel');
    const file = join(dir, 'sentinel.conf');
    for (let attempt = 1; ; attempt += 1) {
      const port = await freePort();
      writeFileSync(file, this.#sentinelConfig(dir, port, masterPort));
      try {
        return { port, process: await launchRedis([file, '--sentinel'], { ready: /\+monitor master/ }) };
      } catch (error) {
        if (!(error instanceof PortTakenError) || attempt >= 20) throw error;
      }
    }
  }

  #sentinelConfig(dir: string, port: number, masterPort: number): string {
    return [
      `port ${port}`,
      'bind 127.0.0.1',
      `dir ${dir}`,
      `sentinel monitor ${this.name} 127.0.0.1 ${masterPort} 2`,
      `sentinel down-after-milliseconds ${this.name} ${this.#downAfter}`,
      `sentinel failover-timeout ${this.name} 3000`,
      `sentinel parallel-syncs ${this.name} 1`,
      ...(this.#password === undefined ? [] : [`sentinel auth-pass ${this.name} ${this.#password}`]),
      '',
    ].join('\n');
  }

  async #masterAsSeenBy(port: number): Promise<number> {
    const [reply] = await respCall({ port }, [['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', this.name]]);
    return Number((reply as string[])[1]);
  }

  async #knowsAll(port: number): Promise<boolean> {
    const ask = ['SENTINEL', 'MASTER', this.name];
    const fields = (await respCall({ port }, [ask]))[0] as RespReply[];
    const field = (name: string): number => Number(fields[fields.indexOf(name) + 1]);
    return field('num-slaves') === 1 && field('num-other-sentinels') === 2;
  }
}
