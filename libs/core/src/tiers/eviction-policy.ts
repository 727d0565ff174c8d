/** The eviction policies that can be asked for by name. */
export type EvictionPolicyName = 's3-fifo' | 'lru';

/** Decides which slot leaves for room. Knows slots, their keys and sizes; never values, never the clock. */
export interface EvictionPolicy {
  /** A hit. */
  touch(slot: number): void;
  /** A slot just taken for a key that was not resident. */
  admit(slot: number): void;
  /** Takes a slot out of the order, to be removed, or to come back by {@link restore} with another size. */
  detach(slot: number): void;
  /** Puts a detached slot back, as the newest of its queue; what was known of its use stays. */
  restore(slot: number): void;
  /** Chooses a victim and detaches it. Called only while some slot is attached. */
  evict(): number;
}
