import { ShardKeys, shardOfKey } from '../shard.js';

/** The physical names of one lock: all in the slot of its shard. Source: docs/protocol.md 12. */
export interface LockKeys {
  readonly shard: number;
  /** KEYS of every lock script: lock, queue, signs of life, fence. */
  readonly all: readonly [lock: string, queue: string, alive: string, fence: string];
  /** Prefix of the channels on which instances are woken. */
  readonly channels: string;
}

/** A lock in messages: a key may be as long as it likes, a message not. */
export function named(key: string): string {
  return `lock ${JSON.stringify(key.length > 60 ? `${key.slice(0, 60)}...` : key)}`;
}

/** Names the locks of a namespace. */
export class LockNames {
  readonly #prefixes: readonly string[];
  readonly #sharded: boolean;

  /** @param sharded on Cluster, where a channel belongs to a slot; elsewhere one serves all shards */
  constructor(namespace: string, shards: number, sharded = false) {
    this.#sharded = sharded;
    this.#prefixes = Array.from({ length: shards }, (_, shard) => `strata:{${new ShardKeys(namespace, shard).tag}}`);
  }

  /** @param name the lock's key in its canonical form */
  of(name: string): LockKeys {
    const shard = shardOfKey(name, this.#prefixes.length);
    const prefix = this.#prefixes[shard];
    return {
      shard,
      all: [`${prefix}:lk:${name}`, `${prefix}:lq:${name}`, `${prefix}:la:${name}`, `${prefix}:lf:${name}`],
      channels: this.#channels(shard),
    };
  }

  /** Holds the number of an instance's newest connection to a shard, once it had to connect anew. */
  connection(shard: number, instance: string): string {
    return `${this.#prefixes[shard]}:lc:${instance}`;
  }

  /** The channel on which an instance is woken for locks of a shard. */
  channel(shard: number, instance: string): string {
    return this.#channels(shard) + instance;
  }

  #channels(shard: number): string {
    return `${this.#prefixes[this.#sharded ? shard : 0]}:lw:`;
  }
}
