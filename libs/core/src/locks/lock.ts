import type { Clock } from '../clock/clock.js';
import type { Duration } from '../duration.js';

/** Options of acquiring a lock. */
export interface LockOptions {
  /** How long the grant lives unless renewed. Default `'10s'`. */
  readonly ttl?: Duration | undefined;
  /** How long to wait for the grant. Default 0 for `tryAcquire`, `'5s'` otherwise. */
  readonly wait?: Duration | undefined;
  /** Renew while held. Default true. */
  readonly renew?: boolean | undefined;
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
  /** Prolongs the grant from now on. @throws LeaseLostError when it is no longer ours */
  extend(ttl: Duration): Promise<void>;
  /** Gives the lock back; twice is harmless. @throws LeaseLostError when it was lost before */
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
  close(): Promise<void>;
}

/** A recipe for a lock service, evaluated once per engine. */
export interface LocksFactory {
  readonly kind: 'locks';
  create(clock: Clock): Locks;
}
