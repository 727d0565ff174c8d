/** What a read of a register returned. `k` tells a value of another key (a shifted reply) from an old one. */
export interface Cell {
  readonly k: string;
  readonly v: number;
  readonly tags: readonly string[];
  readonly pad: string;
}

/**
 * How the keys of a family are written.
 * `plain`: any hard invalidation, by several writers at once. `grace`: the same with a grace period, in which soft invalidations forbid
 * nothing. `soft`: soft invalidations of readers who wait for the load, so that the old value must not answer them. `set`: one writer at a time, who stores the new value. `put`: writers whose method is wrapped by `cache.put`. `hold`: the write
 * hold around the commit.
 */
export type Family = 'plain' | 'grace' | 'soft' | 'set' | 'put' | 'hold';

/** One versioned register: the source of truth of one key. Its version counts commits. */
export class Register {
  readonly index: number;
  readonly key: string;
  readonly family: Family;
  readonly tags: readonly string[];
  version = 0;
  /** Highest version covered by an acknowledged invalidation. */
  acked = 0;
  /** Highest version any read that has ended returned. */
  seen = 0;
  /** One writer at a time, where the family asks for it. */
  busy = false;
  /** Acknowledgements in order of time, versions rising. */
  readonly ackedAt: number[] = [];
  readonly ackedVersions: number[] = [];
  /** Everything before this index was acknowledged long enough ago to bind every instance. */
  #settled = 0;

  constructor(index: number, key: string, family: Family, tags: readonly string[]) {
    this.index = index;
    this.key = key;
    this.family = family;
    this.tags = tags;
  }

  commit(): number {
    this.version += 1;
    return this.version;
  }

  /** `version` was committed before an invalidation was sent, which is now acknowledged. */
  acknowledge(version: number, at: number): void {
    if (version > this.acked) {
      this.acked = version;
      this.ackedAt.push(at);
      this.ackedVersions.push(version);
    }
  }

  /** The version acknowledged up to `at`; `at` must not fall from call to call. */
  settledBy(at: number): number {
    const { ackedAt } = this;
    while (this.#settled < ackedAt.length && ackedAt[this.#settled] <= at) this.#settled += 1;
    return this.#settled === 0 ? 0 : this.ackedVersions[this.#settled - 1];
  }

  /** The same for any `at`. */
  ackedBy(at: number): number {
    let [low, high] = [0, this.ackedAt.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.ackedAt[middle] <= at) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? 0 : this.ackedVersions[low - 1];
  }

  /** When the first version above `version` was acknowledged; undefined when none was. */
  overtakenAt(version: number): number | undefined {
    let [low, high] = [0, this.ackedVersions.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.ackedVersions[middle] <= version) low = middle + 1;
      else high = middle;
    }
    return this.ackedAt[low];
  }

  cell(version = this.version): Cell {
    return { k: this.key, v: version, tags: this.tags, pad: 'x'.repeat(version % 97) };
  }
}

const SIZES: Readonly<Record<Family, number>> = { plain: 20, grace: 8, soft: 8, set: 6, put: 8, hold: 24 };
const KEYS_PER_TAG = 4;

/** The registers of one run. */
export function registersOf(families: readonly Family[]): Register[] {
  const all: Register[] = [];
  for (const family of families) {
    for (let number = 0; number < SIZES[family]; number += 1) {
      // The promises of the others are about one key.
      const tagged = family === 'plain' || family === 'grace' || family === 'soft';
      const tags = tagged ? [`${family}:${Math.floor(number / KEYS_PER_TAG)}`, `all:${family}`] : [];
      all.push(new Register(all.length, `${family}${number}`, family, tags));
    }
  }
  return all;
}
