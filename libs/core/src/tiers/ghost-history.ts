import type { LocalKey } from './slot-table.js';

/**
 * The last `capacity` keys that left by the small queue, as 32-bit hashes: a ring in order of leaving, with the positions of
 * one bucket chained, so that push and take are constant time and the size is fixed (about 11 bytes per remembered key).
 * A collision of hashes admits a key to the main queue early: harmless. The seed keeps crafted keys from forming long chains.
 */
export class GhostHistory {
  readonly capacity: number;
  readonly #seed: number;
  readonly #hashes: Uint32Array;
  /** Per bucket and per position: the next position of the chain plus one, 0 at its end. */
  readonly #heads: Uint32Array;
  readonly #links: Uint32Array;
  readonly #mask: number;
  #pushed = 0;

  /** @param previous a smaller history to continue, after the tier grew */
  constructor(capacity: number, previous?: GhostHistory) {
    const buckets = 2 ** Math.max(0, Math.ceil(Math.log2(capacity / 2)));
    this.capacity = capacity;
    this.#seed = previous === undefined ? Math.floor(Math.random() * 2 ** 32) : previous.#seed;
    this.#hashes = new Uint32Array(capacity);
    this.#heads = new Uint32Array(buckets);
    this.#links = new Uint32Array(capacity);
    this.#mask = buckets - 1;
    if (previous !== undefined) this.#continue(previous);
  }

  push(key: LocalKey, space = 0): void {
    this.#put(this.#hash(key, space));
  }

  /** Whether the key is remembered; it is forgotten by this. */
  take(key: LocalKey, space = 0): boolean {
    const hash = this.#hash(key, space);
    for (let link = this.#heads[hash & this.#mask]; link !== 0; link = this.#links[link - 1]) {
      if (this.#hashes[link - 1] === hash) return this.#unlink(link - 1);
    }
    return false;
  }

  #put(hash: number): void {
    const at = this.#pushed % this.capacity;
    if (this.#pushed >= this.capacity) this.#unlink(at);
    this.#hashes[at] = hash;
    this.#links[at] = this.#heads[hash & this.#mask];
    this.#heads[hash & this.#mask] = at + 1;
    this.#pushed++;
  }

  /** False when the position was taken before: it stays in the ring as a hole until its turn comes. */
  #unlink(at: number): boolean {
    const bucket = this.#hashes[at] & this.#mask;
    let before = 0;
    for (let link = this.#heads[bucket]; link !== 0; link = this.#links[link - 1]) {
      if (link === at + 1) {
        if (before === 0) {
          this.#heads[bucket] = this.#links[at];
        } else {
          this.#links[before - 1] = this.#links[at];
        }
        return true;
      }
      before = link;
    }
    return false;
  }

  #continue(previous: GhostHistory): void {
    for (let n = Math.max(0, previous.#pushed - previous.capacity); n < previous.#pushed; n++) {
      const at = n % previous.capacity;
      if (previous.#unlink(at)) this.#put(previous.#hashes[at]);
    }
  }

  /** FNV-1a over UTF-16 units, finished as MurmurHash3 does, so that the low bits are good for buckets. */
  #hash(key: LocalKey, space: number): number {
    let hash = Math.imul(this.#seed ^ space, 0x01000193);
    if (typeof key === 'number') {
      hash = Math.imul(hash ^ key, 0x01000193) ^ Math.imul(key / 2 ** 32, 0x9e3779b1);
    } else {
      for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
    }
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    return (hash ^ (hash >>> 16)) >>> 0;
  }
}
