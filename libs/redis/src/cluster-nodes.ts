import type { Cluster, NatMap } from 'ioredis';
import { Link, type LinkListener } from './link.js';
import type { RedisTierOptions } from './options.js';
import type { Address, ClientMaker, Role } from './profiles.js';
import type { ShardKeys } from './shard.js';
import { slotOfTag } from './slot.js';
import type { Gate, Gates, Topology } from './topology.js';

/** How often the topology is looked at: at leisure, and while a shard is not reachable. ms */
const CALM = 5_000;
const TROUBLED = 250;

interface Node {
  /** Of the first role: made at once, and asked for the topology. */
  readonly first: Link;
  /** Of the other roles: made when the node serves a shard. */
  readonly others: Map<Role, Link>;
  /** A starting point: its connection stays, it may be the last one that can tell where the others are. */
  readonly seed: boolean;
}

type SlotRange = [from: number, to: number, master: [host: string | null, port: number], ...replicas: unknown[]];

/**
 * A Redis Cluster as plain connections, one for each role to each master that serves a shard of ours.
 *
 * ioredis' own `Cluster` hides which node a command goes to; an attach gate needs to know (a run id belongs to a node), a heartbeat must
 * run on the very connection its messages come on, and its subscriber does not survive every failover (redis/ioredis#1589, #1772).
 * Redirections are not followed: MOVED means another node, where nothing is attached yet; ASK means that a slot is being migrated, and
 * until that is done its shard is unavailable.
 */
export class ClusterNodes implements Topology, LinkListener {
  readonly #maker: ClientMaker;
  readonly #gates: Gates;
  readonly #natMap: NatMap | undefined;
  readonly #slots: readonly number[];
  readonly #firstRole: Role;
  readonly #seeds: readonly Address[];
  readonly #nodes = new Map<string, Node>();
  #timer: NodeJS.Timeout | undefined;
  #refreshing = false;
  #refreshedAt = -Infinity;
  #wanted = true;

  constructor(maker: ClientMaker, gates: Gates, keys: readonly ShardKeys[], options: RedisTierOptions) {
    this.#maker = maker;
    this.#gates = gates;
    [this.#firstRole] = gates.byRole.keys();
    this.#slots = keys.map(({ tag }) => slotOfTag(tag));
    this.#natMap = options.cluster?.natMap ?? (options.client as Cluster | undefined)?.options.natMap;
    this.#seeds = seedsOf(options);
  }

  start(): void {
    for (const address of this.#seeds) {
      this.#node(address, true);
    }
    this.#timer = setInterval(() => this.#look(), TROUBLED).unref();
  }

  close(): void {
    clearInterval(this.#timer);
    for (const { first, others } of this.#nodes.values()) {
      for (const link of [first, ...others.values()]) {
        link.close();
      }
    }
    this.#nodes.clear();
  }

  onOpen(link: Link): void {
    this.#gateOf(link).onOpen(link);
    this.#wanted = true;
    this.#look();
  }

  onClosed(link: Link): void {
    this.#gateOf(link).detachAll(link);
    this.#wanted = true;
  }

  /** One slot is elsewhere (or on its way): the new topology says which; the other shards of the node are not disturbed. */
  onMisrouted(): void {
    this.#wanted = true;
  }

  onWarning(_link: Link, message: string): void {
    this.#gates.onWarning(message);
  }

  /** Refreshes when asked to, while something is unreachable, or when it has been a while. */
  #look(): void {
    const due = Date.now() - this.#refreshedAt > CALM || this.#wanted || this.#troubled();
    if (!due || this.#refreshing) {
      return;
    }
    const open = [...this.#nodes].filter(([, node]) => node.first.open);
    if (open.length === 0) {
      return;
    }
    this.#refreshing = true;
    this.#wanted = false;
    // Any node: one that is cut off from the rest is not asked every time.
    const [name, node] = open[Math.floor(Math.random() * open.length)];
    this.#refresh(name, node.first).then(
      () => {
        this.#refreshing = false;
        this.#refreshedAt = Date.now();
      },
      () => {
        this.#refreshing = false;
        this.#wanted = true;
      },
    );
  }

  #troubled(): boolean {
    const gates = [...this.#gates.byRole.values()];
    return this.#slots.some((_, shard) => gates.some((gate) => gate.attached(shard) === undefined));
  }

  async #refresh(askedName: string, asked: Link): Promise<void> {
    const ranges = (await asked.send('cluster', ['slots'])) as SlotRange[];
    const askedHost = askedName.slice(0, askedName.lastIndexOf(':'));
    const serving = new Set<Node>();
    for (const [shard, slot] of this.#slots.entries()) {
      const range = ranges.find(([from, to]) => slot >= from && slot <= to);
      const node = range && this.#node(this.#reachable(range[2][0] || askedHost, range[2][1]), false);
      if (node !== undefined) {
        serving.add(node);
        for (const [role, gate] of this.#gates.byRole) {
          gate.route(shard, this.#linkOf(node, role));
        }
      }
    }
    for (const [name, node] of this.#nodes) {
      if (!serving.has(node)) {
        this.#retire(name, node);
      }
    }
  }

  #reachable(host: string, port: number): Address {
    const name = `${host}:${port}`;
    const mapped = typeof this.#natMap === 'function' ? this.#natMap(name) : this.#natMap?.[name];
    return mapped ?? { host, port };
  }

  #node(address: Address, seed: boolean): Node {
    const name = `${address.host}:${address.port}`;
    let node = this.#nodes.get(name);
    if (node === undefined) {
      node = { first: this.#link(this.#firstRole, name, address), others: new Map(), seed };
      this.#nodes.set(name, node);
      node.first.connect();
    }
    return node;
  }

  #linkOf({ first, others }: Node, role: Role): Link {
    if (role === this.#firstRole) {
      return first;
    }
    let link = others.get(role);
    if (link === undefined) {
      const { name } = first;
      const [host, port] = [name.slice(0, name.lastIndexOf(':')), Number(name.slice(name.lastIndexOf(':') + 1))];
      link = this.#link(role, name, { host, port });
      others.set(role, link);
      link.connect();
    }
    return link;
  }

  #link(role: Role, name: string, address: Address): Link {
    const link = new Link(role, name, this.#maker.make(role, address), this);
    // ioredis' event for "unsubscribed by the server, the slot has moved".
    link.client.on('moved', () => {
      this.#gateOf(link).detachAll(link);
      this.#wanted = true;
    });
    return link;
  }

  #gateOf(link: Link): Gate {
    return this.#gates.byRole.get(link.role)!;
  }

  #retire(name: string, node: Node): void {
    for (const link of node.others.values()) {
      link.close();
    }
    node.others.clear();
    if (!node.seed) {
      node.first.close();
      this.#nodes.delete(name);
    }
  }
}

function seedsOf({ cluster, client }: RedisTierOptions): Address[] {
  if (cluster !== undefined) {
    return cluster.nodes.map((node) => (typeof node === 'string' ? parseAddress(node) : node));
  }
  const borrowed = client as Cluster;
  // Nodes it knows by now, and those it was started with (not part of its types).
  const started = (borrowed as unknown as { startupNodes?: (string | Partial<Address>)[] }).startupNodes ?? [];
  return [
    ...borrowed.nodes('all').map(({ options: { host = '127.0.0.1', port = 6379 } }) => ({ host, port })),
    ...started.map((node) =>
      typeof node === 'string'
        ? parseAddress(node)
        : { host: node.host ?? '127.0.0.1', port: Number(node.port ?? 6379) },
    ),
  ];
}

/** `host:port`, `redis://host:port`, `[::1]:7000`. */
export function parseAddress(text: string): Address {
  const { hostname, port } = new URL(/^rediss?:\/\//.test(text) ? text : `redis://${text}`);
  return { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? 6379 : Number(port) };
}
