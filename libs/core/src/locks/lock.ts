import type { Clock } from '../clock/clock.js';
import type { Duration } from '../duration.js';
import type { Observer } from '../observer.js';
import type { LockStats } from '../stats.js';

export type { LockStats } from '../stats.js';

/** Options of acquiring a lock. */
export interface LockOptions {
  /** How long the grant lives unless renewed: long against the round trips to Redis. Default `'10s'`, at most `'24d'`. */
  readonly ttl?: Duration | undefined;
  /** How long to wait for the grant. Default 0 for `tryAcquire`, `'5s'` otherwise. At most `'24d'`. */
  readonly wait?: Duration | undefined;
  /** Renew while held. Default true. */
  readonly renew?: boolean | undefined;
  /**
   * Whether a call inside `withLock` of the same key, both with this option, uses the lease that is held already. Default false: it
   * waits for itself and ends in LockTimeoutError. The outermost call releases.
   */
  readonly reentrant?: boolean | undefined;
  /** Cancels the wait. */
  readonly signal?: AbortSignal | undefined;
}

/** A granted lock. Valid while `signal` is not aborted. */
export interface Lease {
  readonly key: string;
  /** Strictly rising per key: let the guarded resource refuse an older one. */
  readonly token: bigint;
  /** Aborted with `LeaseLostError` as soon as exclusivity can no longer be assumed. */
  readonly signal: AbortSignal;
  /** @throws LeaseLostError when the lease has run out or was lost; computed, it trusts no timer */
  assertHeld(): void;
  /** Prolongs the grant from now on. @throws LeaseLostError when it is no longer ours; LockError when that could not be confirmed */
  extend(ttl: Duration): Promise<void>;
  /** Gives the lock back; twice is harmless. @throws LeaseLostError when it was lost before; LockError when that could not be confirmed */
  release(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Exclusive locks. */
export interface Locks {
  /** Runs `routine` under the lock and releases it. The routine's own error is never masked. @throws LockTimeoutError, LeaseLostError */
  withLock<T>(key: string, routine: (lease: Lease) => Promise<T> | T, options?: LockOptions): Promise<T>;
  /** @throws LockTimeoutError when not granted within `wait` */
  acquire(key: string, options?: LockOptions): Promise<Lease>;
  /** Null when not granted within `wait` (default 0: at once or not at all). */
  tryAcquire(key: string, options?: LockOptions): Promise<Lease | null>;
  stats(): LockStats;
  close(): Promise<void>;
}

/** What a lock service is told of the engine it belongs to. */
export interface LocksContext {
  readonly observer: Observer;
}

/** A recipe for a lock service, evaluated once per engine. */
export interface LocksFactory {
  readonly kind: 'locks';
  create(clock: Clock, context?: LocksContext): Locks;
}
