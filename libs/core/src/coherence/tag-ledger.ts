/** Tags whose last invalidation is remembered; beyond, the oldest are folded into a floor. */
const MAX_REMEMBERED = 100_000;

export type Verdict = 'valid' | 'stale' | 'gone';

/**
 * Remembers when tags, shards and the namespace were last invalidated, in a local sequence.
 *
 * An entry carries the sequence at which its load **began**; it is gone when any of its tags has a later hard stamp, stale when a
 * later soft one. So invalidating a tag is O(1) however many entries carry it, and tags that a loader names only afterwards are judged
 * like declared ones. Memory is bounded: dropping the oldest stamp raises a floor below which everything is judged invalid.
 * (The shared tier keeps the same state in Redis; docs/protocol.md 2.)
 */
export class TagLedger {
  /** The number of the newest invalidation of a tag, shard or namespace. Entries at or above it need no look-up. */
  sequence = 0;

  readonly #limit: number;
  readonly #hard = new Map<string, number>();
  readonly #soft = new Map<string, number>();
  readonly #shardFloor: Float64Array;
  #hardFloor = 0;
  #softFloor = 0;

  constructor(shards: number, limit: number = MAX_REMEMBERED) {
    this.#shardFloor = new Float64Array(shards);
    this.#limit = limit;
  }

  invalidateTags(tags: readonly string[], mode: 'delete' | 'expire'): void {
    const stamp = ++this.sequence;
    const stamps = mode === 'delete' ? this.#hard : this.#soft;
    for (const tag of tags) {
      // Re-inserted, so that the map stays ordered by stamp and its first entry is the oldest.
      stamps.delete(tag);
      stamps.set(tag, stamp);
      if (stamps.size > this.#limit) {
        this.#dropOldest(stamps, mode);
      }
    }
  }

  clear(mode: 'delete' | 'expire'): void {
    const stamp = ++this.sequence;
    if (mode === 'delete') {
      this.#hardFloor = stamp;
      this.#hard.clear();
      this.#soft.clear();
    } else {
      this.#softFloor = stamp;
      this.#soft.clear();
    }
  }

  /** Everything a shard holds is suspect: its history has a gap. */
  dropShard(shard: number): void {
    this.#shardFloor[shard] = ++this.sequence;
  }

  /** Judges an entry whose load began at `sequence`. `implicit` are the engine's own tags (cache, tenant). */
  judge(sequence: number, shard: number, implicit: readonly string[], tags: readonly string[] | undefined): Verdict {
    if (sequence >= this.sequence) {
      return 'valid';
    }
    if (sequence < this.#hardFloor || sequence < this.#shardFloor[shard]) {
      return 'gone';
    }
    if (hasLater(this.#hard, implicit, sequence) || (tags !== undefined && hasLater(this.#hard, tags, sequence))) {
      return 'gone';
    }
    const stale =
      sequence < this.#softFloor ||
      hasLater(this.#soft, implicit, sequence) ||
      (tags !== undefined && hasLater(this.#soft, tags, sequence));
    return stale ? 'stale' : 'valid';
  }

  #dropOldest(stamps: Map<string, number>, mode: 'delete' | 'expire'): void {
    const [tag, stamp] = stamps.entries().next().value as [string, number];
    stamps.delete(tag);
    if (mode === 'delete') {
      this.#hardFloor = Math.max(this.#hardFloor, stamp);
    } else {
      this.#softFloor = Math.max(this.#softFloor, stamp);
    }
  }
}

function hasLater(stamps: ReadonlyMap<string, number>, tags: readonly string[], sequence: number): boolean {
  if (stamps.size === 0) {
    return false;
  }
  for (const tag of tags) {
    const stamp = stamps.get(tag);
    if (stamp !== undefined && stamp > sequence) {
      return true;
    }
  }
  return false;
}
