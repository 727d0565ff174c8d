/** FNV-1a over UTF-16 units: cheap, well spread, and the same in every version of this library (it decides where a key lives). */
export function shardOfKey(key: string, shards: number): number {
  if (shards === 1) {
    return 0;
  }
  let hash = 0x811c9dc5;
  for (let index = 0; index < key.length; index++) {
    hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193);
  }
  return (hash >>> 0) % shards;
}

/** A namespace must not move the hash tag (braces), look like a glob, or break a line: other bytes become `%xx`. */
export function plainNamespace(namespace: string): string {
  return namespace.replace(/[^0-9A-Za-z\-_.:/@]/gu, (match) =>
    Buffer.from(match).toString('hex').replace(/../g, '%$&'),
  );
}

/**
 * The physical names of one shard. All carry the hash tag `{namespace.shard}`, so that every script stays in one slot
 * of a cluster. Source: docs/protocol.md 2.
 */
export class ShardKeys {
  readonly shard: number;
  readonly tag: string;
  /** The ZSET of all coherence state. */
  readonly state: string;
  /** The 48-byte copy of its head. */
  readonly head: string;
  readonly busChannel: string;
  readonly wakeChannel: string;
  readonly #entry: string;
  readonly #lease: string;
  readonly #version: string;
  readonly #holders: string;

  constructor(namespace: string, shard: number) {
    this.shard = shard;
    this.tag = `${plainNamespace(namespace)}.${shard}`;
    const prefix = `strata:{${this.tag}}`;
    this.state = `${prefix}:st`;
    this.head = `${prefix}:hd`;
    this.busChannel = `${prefix}:bp`;
    this.wakeChannel = `${prefix}:wk`;
    this.#entry = `${prefix}:e:`;
    this.#lease = `${prefix}:l:`;
    this.#version = `${prefix}:v:`;
    this.#holders = `${prefix}:w:`;
  }

  entry(key: string): string {
    return this.#entry + key;
  }

  lease(key: string): string {
    return this.#lease + key;
  }

  version(key: string): string {
    return this.#version + key;
  }

  holders(key: string): string {
    return this.#holders + key;
  }
}

/** What this process knows of one shard, whichever connection told it. */
export class ShardView {
  readonly shard: number;
  readonly keys: ShardKeys;
  /** Newest hard and soft tag stamps seen: entries below them need their tags looked up. */
  tagStamp = 0;
  softTagStamp = 0;
  /** The incarnation the bus goes by; undefined until it was told. */
  busIncarnation: number | undefined;
  readonly #onSuspect: (shard: number) => void;

  constructor(namespace: string, shard: number, onSuspect: (shard: number) => void) {
    this.shard = shard;
    this.keys = new ShardKeys(namespace, shard);
    this.#onSuspect = onSuspect;
  }

  /** Any reply that names another incarnation than the bus knows makes the L1 copies of the shard suspect (docs/protocol.md 6). */
  saw(incarnation: number): void {
    if (this.busIncarnation !== undefined && this.busIncarnation !== incarnation) {
      this.#onSuspect(this.shard);
    }
  }
}
