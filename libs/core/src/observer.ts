import type { BusEvent } from './bus/bus.js';
import type { CacheStats, StrataStats } from './stats.js';
import type { Count } from './tally.js';
import type { TierVitals } from './tiers/vitals.js';

/** How a lookup was answered. `negative` = a remembered "not found". */
export type LookupOutcome = 'hit' | 'stale' | 'negative' | 'miss';

/** The tier that answered. */
export type TierName = 'l1' | 'l2';

/** One slow operation. The algorithm fills fields; logs, metrics and spans are derived by the observer. */
export interface Operation {
  /** `read`: a lookup that L1 did not answer; `l2.*`: a call of the second tier; the others are named after what they do. */
  readonly kind: 'read' | 'load' | 'put' | 'invalidate' | 'lock.wait' | 'lock.hold' | `l2.${string}`;
  /** The cache's name; empty for operations that concern the whole namespace. */
  readonly cache: string;
  /** The logical key where there is one. May hold user data: do not export it unless asked to. */
  readonly key?: string | undefined;
  /** Whether a load runs behind a stale answer. */
  readonly background?: boolean | undefined;
  outcome?: string | undefined;
  /** `lock.wait`: how many were ahead in the queue when it was joined. */
  queueLength?: number | undefined;
  error?: unknown;
}

/** What `Observer.timed` is told of. */
export type Timed = 'load' | 'l2' | 'lock.wait' | 'lock.hold';

/** An engine as an observer sees it. Everything is read where it is kept: reading costs the engine nothing while nobody looks. */
export interface ObservedEngine {
  readonly namespace: string;
  caches(): readonly ObservedCache[];
  stats(): StrataStats;
  /** What is counted by labels: invalidations, calls of the second tier, HTTP responses, events. */
  counts(): Iterable<Count>;
  /** The newest sample of each server of the second tier; empty before the first. Asking has them sampled again when they are old. */
  vitals(): readonly TierVitals[];
}

export interface ObservedCache {
  readonly name: string;
  readonly definition: { readonly expectedHitRatio?: number | undefined };
  stats(): CacheStats;
}

/** Something that happened and is worth counting or warning of; never thrown as well. */
export interface Notice {
  readonly level: 'debug' | 'warn';
  /** A stable name such as `value.refused` or `l2.unavailable`. */
  readonly name: string;
  readonly cache?: string | undefined;
  readonly message: string;
}

/**
 * Sees what the engine does. Every member is optional, and an absent one costs nothing. None may throw: what it throws concerns no caller, and
 * is a warning of the process (the first time).
 * Counters need no observer: read `cache.stats()`.
 */
export interface Observer {
  /** Told of an engine when it is assembled. What it returns, if anything, is called when the engine is closed. */
  started?(engine: ObservedEngine): (() => void) | undefined;
  /**
   * Told how long something took, in ms of the engine's clock. `label`: the operation of an `l2` call, else empty. Reads of the second tier
   * that share a round trip are one.
   */
  timed?(what: Timed, ms: number, cache: string, label: string, ok: boolean): void;
  /** Wraps one slow operation; must call `run` exactly once and return its promise. It may take its time before it does. */
  around?<T>(operation: Operation, run: () => Promise<T>): Promise<T>;
  /** Told of every answered lookup, L1 hits included. Keep it cheap or leave it out. */
  lookup?(cache: string, outcome: LookupOutcome, tier: TierName | undefined, key: string): void;
  /**
   * Told of every invalidation that began in this process, once the second tier has acknowledged it (at once without one; after
   * recovery when it was unreachable). Those received over the bus are the business of the process they began in.
   */
  invalidated?(event: BusEvent): void;
  /** Told of warnings: a value refused by the second tier, a breaker that opened, a bus gap. */
  notice?(notice: Notice): void;
}
