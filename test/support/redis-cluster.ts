import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { eventually } from './eventually.js';
import { RedisServer } from './redis-server.js';

const run = promisify(execFile);
const SLOTS = 16_384;

/** One line of `CLUSTER NODES`. */
export interface ClusterNode {
  readonly id: string;
  readonly port: number;
  readonly role: 'master' | 'replica';
  /** Nobody has declared it failed. */
  readonly alive: boolean;
  /** The id of its master, for a replica. */
  readonly masterId: string | undefined;
  /** Slot ranges, both ends included. */
  readonly slots: readonly (readonly [from: number, to: number])[];
}

/** `masters` (3), `replicas` of each (1), `nodeTimeout` ms (2000), after which a silent node is declared failed. */
export interface RedisClusterOptions {
  readonly masters?: number;
  readonly replicas?: number;
  readonly nodeTimeout?: number;
  readonly config?: Readonly<Record<string, string | number>>;
}

/** A Redis Cluster on loopback, 3 masters and 3 replicas unless said otherwise. */
export class RedisCluster {
  /** All nodes, also those killed. Who is master is told by `nodes()`: it changes. */
  readonly servers: readonly RedisServer[];
  readonly #masters: number;
  readonly #replicas: number;

  constructor({ masters = 3, replicas = 1, nodeTimeout = 2_000, config = {} }: RedisClusterOptions = {}) {
    this.#masters = masters;
    this.#replicas = replicas;
    const clusterConfig = {
      'cluster-enabled': 'yes',
      'cluster-config-file': 'nodes.conf',
      'cluster-node-timeout': nodeTimeout,
    };
    const settings = { clusterBus: true, config: { ...clusterConfig, ...config } };
    this.servers = Array.from({ length: masters * (1 + replicas) }, () => new RedisServer(settings));
  }

  /** Starts the nodes, joins them and resolves when all slots are served and every replica follows (2 to 4 s). */
  async start(): Promise<this> {
    await Promise.all(this.servers.map(async (server) => server.start()));
    await this.#redisCli(
      '--cluster',
      'create',
      ...this.endpoints.map(({ host, port }) => `${host}:${port}`),
      '--cluster-replicas',
      `${this.#replicas}`,
    );
    await this.waitOk();
    // A node that has not heard yet that another became a replica shows it as a master without slots.
    const replicas = this.#masters * this.#replicas;
    const knowsRoles = async (node: RedisServer): Promise<boolean> =>
      (await this.nodes(node)).filter(({ role }) => role === 'replica').length === replicas;
    await eventually(async () => (await Promise.all(this.servers.map(knowsRoles))).every(Boolean), {
      within: 30_000,
      every: 50,
      what: 'every node knows the replicas',
    });
    const masters = (await this.masters()).map(({ port }) => this.server(port));
    await Promise.all(masters.map(async (master) => master.waitForReplicas(this.#replicas)));
    return this;
  }

  /** What `new Cluster(...)` of ioredis takes: every node, dead ones too, as a configuration would list them. */
  get endpoints(): { readonly host: string; readonly port: number }[] {
    return this.servers.map(({ port }) => ({ host: '127.0.0.1', port }));
  }

  /** The node that listens on that port. */
  server(port: number): RedisServer {
    const found = this.servers.find((server) => server.port === port);
    if (!found) throw new Error(`RedisCluster.server: no node of this cluster listens on port ${port}.`);
    return found;
  }

  /** The cluster as a running node sees it. */
  async nodes(seenBy: RedisServer = this.#running()[0]): Promise<ClusterNode[]> {
    return String(await seenBy.cli('CLUSTER', 'NODES'))
      .split('\n')
      .filter(Boolean)
      .map(parseNode);
  }

  /** Living masters that own slots, in the order of their first slot. */
  async masters(): Promise<ClusterNode[]> {
    const running = new Set(this.#running().map(({ port }) => port));
    const masters = (await this.nodes()).filter(
      ({ role, slots, port }) => role === 'master' && slots.length > 0 && running.has(port),
    );
    return masters.toSorted((a, b) => a.slots[0][0] - b.slots[0][0]);
  }

  /** The living master that owns the slot. */
  async masterOf(slot: number): Promise<ClusterNode> {
    const owner = (await this.masters()).find(({ slots }) => slots.some(([from, to]) => from <= slot && slot <= to));
    if (!owner) throw new Error(`RedisCluster.masterOf: no living master owns slot ${slot}.`);
    return owner;
  }

  /** The slot of a key, as Redis computes it (hash tags included). */
  async slotOf(key: string): Promise<number> {
    return Number(await this.#running()[0].cli('CLUSTER', 'KEYSLOT', key));
  }

  /** kill -9 of the `index`th master, in the order of slots. `waitOk()` afterwards waits for its replica to take over. */
  async killMaster(index: number): Promise<RedisServer> {
    const masters = await this.masters();
    if (!masters[index])
      throw new RangeError(`RedisCluster.killMaster: expected 0 to ${masters.length - 1}, got ${index}.`);
    const server = this.server(masters[index].port);
    await server.kill9();
    return server;
  }

  /** Resolves when every running node says ok and sees all slots owned by running masters. Default 30 s at most. */
  async waitOk(within = 30_000): Promise<void> {
    await eventually(
      async () => (await Promise.all(this.#running().map(async (node) => this.#isOk(node)))).every(Boolean),
      {
        within,
        every: 50,
        what: 'the cluster is ok',
      },
    );
  }

  /**
   * Moves `count` slots with their keys between two masters (indexes in the order of slots at the moment of the call),
   * by `redis-cli --cluster reshard`, while clients go on.
   */
  async reshard(from: number, to: number, count: number): Promise<void> {
    const masters = await this.masters();
    const flags = ['--cluster-from', masters[from].id, '--cluster-to', masters[to].id, '--cluster-slots', `${count}`];
    await this.#redisCli('--cluster', 'reshard', `127.0.0.1:${masters[from].port}`, ...flags);
    await this.waitOk();
  }

  /** Opens the move of one slot to the master on port `to`: keys not there yet answer ASK from now on. */
  async beginMove(slot: number, to: number): Promise<void> {
    const [source, target] = [await this.masterOf(slot), await this.#masterAt(to)];
    await this.server(target.port).cli('CLUSTER', 'SETSLOT', slot, 'IMPORTING', source.id);
    await this.server(source.port).cli('CLUSTER', 'SETSLOT', slot, 'MIGRATING', target.id);
  }

  /** Moves up to `count` keys of a slot being moved; resolves with how many it moved. */
  async moveKeys(slot: number, to: number, count = 1_000): Promise<number> {
    const source = this.server((await this.masterOf(slot)).port);
    const keys = (await source.cli('CLUSTER', 'GETKEYSINSLOT', slot, count)) as string[];
    if (keys.length > 0) await source.cli('MIGRATE', '127.0.0.1', to, '', 0, 5_000, 'REPLACE', 'KEYS', ...keys);
    return keys.length;
  }

  /** Moves what is left and hands the slot over: it answers MOVED from now on. */
  async endMove(slot: number, to: number): Promise<void> {
    const [source, target] = [await this.masterOf(slot), await this.#masterAt(to)];
    while ((await this.moveKeys(slot, to)) > 0);
    // The new owner first: were it the old one, nobody would own the slot if we ended in between.
    for (const port of new Set([target.port, source.port, ...(await this.masters()).map((master) => master.port)])) {
      await this.server(port).cli('CLUSTER', 'SETSLOT', slot, 'NODE', target.id);
    }
  }

  /** SIGKILL of all nodes. */
  async stop(): Promise<void> {
    await Promise.all(this.servers.map(async (server) => server.kill9()));
  }

  #running(): RedisServer[] {
    const running = this.servers.filter((server) => server.running);
    if (running.length === 0) throw new Error('RedisCluster: no node is running; start() first.');
    return running;
  }

  async #masterAt(port: number): Promise<ClusterNode> {
    const found = (await this.masters()).find((master) => master.port === port);
    if (!found) throw new Error(`RedisCluster: port ${port} is no living master with slots.`);
    return found;
  }

  /** `cluster_state` alone stays ok for `nodeTimeout` after a kill, so the owners are looked at too. */
  async #isOk(seenBy: RedisServer): Promise<boolean> {
    if (!String(await seenBy.cli('CLUSTER', 'INFO')).includes('cluster_state:ok')) return false;
    const running = new Set(this.#running().map(({ port }) => port));
    const owners = (await this.nodes(seenBy)).filter(({ slots }) => slots.length > 0);
    const served = owners.flatMap(({ slots }) => slots).reduce((sum, [from, to]) => sum + to - from + 1, 0);
    return (
      served === SLOTS &&
      owners.length >= this.#masters &&
      owners.every(({ alive, port }) => alive && running.has(port))
    );
  }

  async #redisCli(...args: string[]): Promise<void> {
    const program = process.env.STRATA_REDIS_CLI ?? 'redis-cli';
    try {
      await run(program, [...args, '--cluster-yes'], { timeout: 60_000 });
    } catch (error) {
      const { code, stdout = '' } = error as { code?: unknown; stdout?: string };
      if (code === 'ENOENT')
        throw new Error(`The cluster tests need \`${program}\`: install redis-tools.`, { cause: error });
      throw new Error(`${program} ${args.slice(0, 2).join(' ')} failed:\n${stdout.slice(-2_000)}`, { cause: error });
    }
  }
}

/** `<id> <ip:port@bus[,host]> <flags> <master|-> <ping> <pong> <epoch> <link> <slot|from-to|[moving]>...` */
function parseNode(line: string): ClusterNode {
  const [id, address, flags, masterId, , , , , ...slots] = line.split(' ');
  const words = flags.split(',');
  return {
    id,
    port: Number(/:(\d+)@/.exec(address)?.[1]),
    role: words.includes('master') ? 'master' : 'replica',
    alive: !words.includes('fail'),
    masterId: masterId === '-' ? undefined : masterId,
    slots: slots
      .filter((range) => !range.startsWith('['))
      .map((range) => {
        const [from, to = from] = range.split('-');
        return [Number(from), Number(to)] as const;
      }),
  };
}
