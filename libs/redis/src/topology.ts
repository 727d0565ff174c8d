import { Link, type LinkListener } from './link.js';
import type { ClientMaker, Role } from './profiles.js';

/** Knows which connection leads to which shard, and keeps the gates told. */
export interface Topology {
  start(): void;
  close(): void;
}

/** Told by a topology which connection leads to which shard; decides when it may be used. */
export interface Gate {
  route(shard: number, link: Link): void;
  onOpen(link: Link): void;
  /** The connection is lost, or what it leads to is not what was believed. */
  detachAll(link: Link): void;
  attached(shard: number): Link | undefined;
}

export interface Gates {
  /** One connection per server for each of them; the first is the one that is asked for the topology. */
  readonly byRole: ReadonlyMap<Role, Gate>;
  readonly shards: number;
  readonly onWarning: (message: string) => void;
}

/** One server (or the master that sentinels name): one connection for each role. */
export class SingleServer implements Topology, LinkListener {
  readonly #gates: Gates;
  readonly #links: readonly Link[];

  constructor(maker: ClientMaker, gates: Gates) {
    this.#gates = gates;
    this.#links = Array.from(gates.byRole.keys(), (role) => new Link(role, 'Redis', maker.make(role), this));
  }

  start(): void {
    for (const link of this.#links) {
      for (let shard = 0; shard < this.#gates.shards; shard++) {
        this.#gateOf(link).route(shard, link);
      }
      link.connect();
    }
  }

  close(): void {
    for (const link of this.#links) {
      link.close();
    }
  }

  onOpen(link: Link): void {
    this.#gateOf(link).onOpen(link);
  }

  onClosed(link: Link): void {
    this.#gateOf(link).detachAll(link);
  }

  onMisrouted(link: Link): void {
    // READONLY: ioredis reconnects, and asks the sentinels again.
    this.#gateOf(link).detachAll(link);
  }

  onWarning(_link: Link, message: string): void {
    this.#gates.onWarning(message);
  }

  #gateOf(link: Link): Gate {
    return this.#gates.byRole.get(link.role)!;
  }
}
