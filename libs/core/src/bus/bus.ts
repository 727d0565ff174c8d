import type { InvalidationMode } from '../definition.js';

/** One invalidation as it travels. `clear` concerns the whole namespace (or, on a sharded bus, the shard it came on). */
export type BusEvent =
  | { readonly kind: 'keys'; readonly keys: readonly string[]; readonly mode: InvalidationMode }
  | { readonly kind: 'tags'; readonly tags: readonly string[]; readonly mode: InvalidationMode }
  | { readonly kind: 'clear'; readonly mode: InvalidationMode };

/** A position in a shard's stream of invalidations. */
export interface BusHead {
  /** The life of the coherence state: another number means that history was lost. */
  readonly incarnation: number;
  /** The number of the newest invalidation; each message carries its own, without gaps. */
  readonly sequence: number;
}

export interface BusMessage extends BusHead {
  readonly shard: number;
  /** Undefined when the message could not be understood: everything is then suspect. */
  readonly event: BusEvent | undefined;
}

/** Receives what a bus delivers. All members are synchronous: an await in between would reorder messages and proofs. */
export interface BusSink {
  onMessage(message: BusMessage): void;
  /** The subscription of a shard is (again) in place; messages may have been lost before. */
  onConnected(shard: number): void;
  onDisconnected(shard: number): void;
}

/**
 * Carries invalidations to every instance. Delivery is best effort: sequence numbers and probes tell the listener what it missed.
 */
export interface Bus {
  readonly shards: number;
  /** Starts delivering. Called once. */
  start(sink: BusSink): void;
  /**
   * The newest position of a shard, answered **behind every message delivered before it** on the same connection,
   * so that a higher number than the last message's proves a loss. Rejects when there is no live subscription.
   */
  probe(shard: number): Promise<BusHead>;
  /** Publishes an invalidation that no shared tier publishes itself. A bus that belongs to a tier has no such method. */
  publish?(event: BusEvent): Promise<void>;
  close(): Promise<void>;
}
