import type { Bus } from '../bus/bus.js';
import type { Clock } from '../clock/clock.js';
import type { InvalidationMode } from '../definition.js';
import type { LocksFactory } from '../locks/lock.js';
import type { Observer } from '../observer.js';
import type { FactsProbe } from './facts.js';
import type { VitalsProbe } from './vitals.js';

/** An entry as the second tier keeps it. Ages are judged by the tier's own clock, never by a client's. */
export interface TierRecord {
  /** 16 characters, new for every fill: equal ids mean the very same entry. */
  readonly id: string;
  /** The bytes written by {@link SharedTier.fill}. Valid only until the callback returns: copy what must stay. */
  readonly payload: Buffer;
  /** Codec and compression bits, opaque to the tier. */
  readonly format: number;
  /** The schema (definition version, modulo 65536) the payload was written with. */
  readonly schema: number;
  readonly tags: readonly string[];
  /** ms since it was stored. */
  readonly age: number;
  /** ms of its life in which it is fresh. */
  readonly freshFor: number;
  /** ms after `freshFor` in which it may be used as stale. */
  readonly graceFor: number;
  /** Softly invalidated, or older than `freshFor`. */
  readonly stale: boolean;
}

/** What a caller already holds for a key: lets the tier answer "the same" without moving the payload. */
export interface KnownEntry {
  readonly id: string;
}

/**
 * The answer of one read.
 * `same`: the known entry is still valid and fresh. `absent`: nothing usable; `id` is what was seen (for the lease), `''` when nothing was.
 */
export type TierRead =
  | { readonly status: 'found'; readonly record: TierRecord }
  | { readonly status: 'same'; readonly age: number; readonly freshFor: number; readonly graceFor: number }
  | { readonly status: 'absent'; readonly id: string };

/** Receives the answer of one read, exactly once, on whichever tick it arrives. */
export interface ReadSink {
  /** The read leaves for the tier now: from here on an invalidation may overtake it. */
  onSent(): void;
  onRead(read: TierRead): void;
  /** The tier could not answer (unreachable, not attached, deadline, breaker open). */
  onUnavailable(error: unknown): void;
}

/** The right to fill one key: voided by any invalidation of the key, and by loss of the tier's state. */
export interface FillLease {
  readonly token: string;
  /** Tier-side instants at which the load began, opaque to the engine. */
  readonly incarnation: number;
  readonly stamp: number;
}

export type LeaseReply =
  | { readonly status: 'granted'; readonly lease: FillLease }
  /** Somebody else is loading: wait for the wake-up, or at most `retryIn` ms. */
  | {
      readonly status: 'busy';
      readonly retryIn: number;
      /** The token it runs under: {@link LeaseRequest.awaited} of the next request. A put's begins with {@link WRITER_MARK}. */
      readonly holder: string;
    }
  /**
   * The awaited load has ended with nothing stored. With `error`, its error in wire form, and nothing was invalidated since that load began;
   * without, somebody else is loading by now.
   */
  | { readonly status: 'failed'; readonly error: string | undefined }
  /** A writer holds the key: load, but do not store. */
  | { readonly status: 'held' }
  /** The entry is not the one that was seen: read again. */
  | { readonly status: 'changed' };

/**
 * Lease tokens of puts begin with this character, those of loads never do. A put's method may take as long as it likes: nobody waits for it.
 */
export const WRITER_MARK = '!';

export interface LeaseRequest {
  readonly token: string;
  /** The id seen by the read before; the lease is refused as `changed` if another entry is there now. */
  readonly seen: string;
  /** ms the lease lives unless renewed. */
  readonly ttl: number;
  /** Steals a running lease (a put is about to replace the value whatever is being loaded). */
  readonly force?: boolean | undefined;
  /** Whose load the caller was told to wait for: only who waited for a load is told how it failed. */
  readonly awaited?: string | undefined;
}

/** What is stored by a fill or a put. */
export interface FillRecord {
  readonly id: string;
  readonly payload: Uint8Array;
  readonly format: number;
  readonly schema: number;
  readonly tags: readonly string[];
  readonly freshFor: number;
  readonly graceFor: number;
}

export interface HoldRequest {
  /** Names the holder, so that several writers of one key do not lift each other's hold. */
  readonly token: string;
  /** ms for which nothing may be filled; it must exceed the writer's transaction timeout. */
  readonly ttl: number;
}

/**
 * A tier shared by several instances, together with the coherence state that fences its fills (docs/protocol.md 4).
 * Every method but `read` returns a promise that rejects when the tier did not acknowledge. Keys are encoded logical keys
 * (`cache:v1:key`); the tier adds its own prefix and picks the shard.
 */
export interface SharedTier {
  /** Number of shards; each has its own bus sequence and its own proof of life. */
  readonly shards: number;
  shardOf(key: string): number;
  /** Reads of one tick are batched into one round trip. Answers through the sink, never synchronously. */
  read(key: string, known: KnownEntry | undefined, sink: ReadSink): void;
  lease(key: string, request: LeaseRequest): Promise<LeaseReply>;
  /** Prolongs a running lease; false when it is no longer ours. */
  renew(key: string, token: string, ttl: number): Promise<boolean>;
  /**
   * Gives a lease back unfilled and wakes waiters. With `word` the load has ended, and stored nothing: its error in wire form, or `''`. Who
   * waited for this very load learns of it for about as long as the lease would have lived; any invalidation of the key ends that as well.
   */
  release(key: string, lease: FillLease, word?: string): Promise<void>;
  /** Resolves when the key's lease ended, or after `ms`: a lost wake-up costs a poll, nothing more. */
  waitForWake(key: string, ms: number): Promise<void>;
  /** Stores under the lease. False when an invalidation overtook it. `announce`: tells other instances' L1 (a put replaces what they hold). */
  fill(key: string, lease: FillLease, record: FillRecord, announce: boolean): Promise<boolean>;
  /** Stores unconditionally, in order of arrival; with `version`, only if no higher version was stored. False when refused (a hold, or an older version). */
  put(key: string, record: FillRecord, version: number | undefined): Promise<boolean>;
  invalidateKeys(keys: readonly string[], mode: InvalidationMode): Promise<void>;
  invalidateTags(tags: readonly string[], mode: InvalidationMode): Promise<void>;
  /** Clears the whole namespace. */
  clear(mode: InvalidationMode): Promise<void>;
  /** Deletes the key and forbids filling it until released or run out (write hold, GUARD). */
  hold(key: string, request: HoldRequest): Promise<void>;
  /** Deletes the key and lifts this holder's hold. */
  unhold(key: string, token: string): Promise<void>;
  close(): Promise<void>;
}

/** What a second tier is given when an engine is built from its recipe. */
export interface L2Context {
  /** `{env}:{service}`; prefix of every physical key and channel. */
  readonly namespace: string;
  readonly clock: Clock;
  readonly observer: Observer;
  /** ms; the tier may publish it so that other instances know how long this one may serve a copy. */
  readonly maxStaleness: number;
  /** Counts a fill or put that was not taken, by the reason the tier gives. */
  readonly onRefused?: ((reason: string) => void) | undefined;
  /** A reply showed another incarnation than the bus knows: the shard's L1 is suspect until the next proof. */
  readonly onSuspect: (shard: number) => void;
}

/** A second tier and what comes with it: one server, one seam. */
export interface L2Parts {
  readonly tier: SharedTier;
  /** Delivers what the tier's invalidations publish. */
  readonly bus: Bus;
  readonly locks?: LocksFactory | undefined;
  readonly vitals?: VitalsProbe | undefined;
  readonly facts?: FactsProbe | undefined;
}

/** A recipe for a second tier, evaluated once per engine. */
export interface L2Factory {
  readonly kind: 'l2';
  create(context: L2Context): L2Parts;
}
