import type { AttachGate } from './attach-gate.js';
import { Link, type LinkListener } from './link.js';
import type { ClientMaker, Role } from './profiles.js';

/** Knows which connection leads to which shard, and keeps the gates told. */
export interface Topology {
  start(): void;
  close(): void;
}

export interface Gates {
  readonly data: AttachGate;
  readonly bus: AttachGate;
  readonly shards: number;
  readonly onWarning: (message: string) => void;
}

/** One server (or the master that sentinels name): one connection for data, one for the bus. */
export class SingleServer implements Topology, LinkListener {
  readonly #gates: Gates;
  readonly #links: readonly Link[];

  constructor(maker: ClientMaker, gates: Gates) {
    this.#gates = gates;
    const link = (role: Role): Link => new Link(role, 'Redis', maker.make(role), this);
    this.#links = [link('data'), link('bus')];
  }

  start(): void {
    for (const link of this.#links) {
      for (let shard = 0; shard < this.#gates.shards; shard++) {
        this.#gates[link.role].route(shard, link);
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
    this.#gates[link.role].onOpen(link);
  }

  onClosed(link: Link): void {
    this.#gates[link.role].detachAll(link);
  }

  onMisrouted(link: Link): void {
    // READONLY: ioredis reconnects, and asks the sentinels again.
    this.#gates[link.role].detachAll(link);
  }

  onWarning(_link: Link, message: string): void {
    this.#gates.onWarning(message);
  }
}
