/** Why an entry left L1. */
export type RemovalCause = 'deleted' | 'expired' | 'evicted' | 'replaced' | 'overtaken';

/** What is put into L1. Instants are on the engine's monotonic clock, in ms. */
export interface L1Fill {
  readonly value: unknown;
  /** Estimated bytes of key and value. */
  readonly bytes: number;
  readonly createdAt: number;
  /** First instant at which a hit needs a closer look: `staleAt`, or earlier when a refresh ahead is due. */
  readonly checkAt: number;
  readonly staleAt: number;
  readonly goneAt: number;
  /** Invalidation sequence up to which this entry is known to be valid. */
  readonly sequence: number;
  readonly tags: readonly string[] | undefined;
  /** Id of the entry in the second tier, `''` when it has none. */
  readonly id: string;
  /** The key as the caller said it, where it is one string or one number: spares the store a copy. */
  readonly part?: string | number | undefined;
}

/** The entries of one cache, found by what the caller said. */
export interface L1Space {
  /**
   * The slot of a key that is one string or one number, given as it is, or -1. Also -1 for a string whose encoded form differs:
   * then ask `locate`. Counts as no use.
   */
  find(part: string | number): number;
  /** The slot of an encoded key, given without the prefix, or -1. Counts as no use. */
  locate(rest: string): number;
}

/**
 * The first tier: a bounded store of values addressed by slot numbers, so that a hit touches arrays and allocates nothing.
 * A slot number is valid until the next mutating call. It never looks at the clock: the engine compares instants.
 */
export interface L1Store {
  readonly size: number;
  readonly bytes: number;
  /** The slot of an encoded key, or -1. Counts as no use. */
  find(key: string): number;
  /** The entries whose keys begin with `prefix` (`product:v1:`), to be asked for before the first of them is stored. */
  space(prefix: string): L1Space;
  /** Marks a use, for the eviction policy: a counter, no list moves. */
  touch(slot: number): void;
  /** A promise of the value of a slot; several callers may be given the same. */
  promiseOf(slot: number): Promise<unknown>;
  /** Columns by slot; read them, and write them only through the methods below. */
  readonly values: readonly unknown[];
  readonly checkAt: Float64Array;
  readonly sequence: Float64Array;
  staleAt(slot: number): number;
  goneAt(slot: number): number;
  createdAt(slot: number): number;
  tagsOf(slot: number): readonly string[] | undefined;
  idOf(slot: number): string;
  keyOf(slot: number): string;
  /** Stores; may evict others, or decline a value that could never fit. Returns whether it is stored. */
  set(key: string, fill: L1Fill): boolean;
  /** Known valid up to `sequence`. */
  revalidate(slot: number, sequence: number): void;
  /** Known valid in the second tier until these instants (a conditional read said "the same"). */
  prolong(slot: number, checkAt: number, staleAt: number, goneAt: number): void;
  /** Never fresh again; usable as stale until its `goneAt`. */
  expire(slot: number): void;
  delete(key: string, cause: RemovalCause): boolean;
  clear(): void;
}

/** Told of every removal, with its cause and the prefix of its {@link L1Store.space}; must not call back into the store. */
export type RemovalListener = (key: string, cause: RemovalCause, prefix: string) => void;
