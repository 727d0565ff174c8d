import { Inject, Injectable } from '@nestjs/common';
import { CacheConfigError, Strata, type Lease, type LockOptions, type Locks, type LockStats } from '@strata-cache/core';
import { messages } from '../messages.js';
import { withCurrentLease } from './current-lease.js';

/**
 * The exclusive locks of the application's engine: across instances where its second tier brings locks (`redis()`),
 * within this process otherwise. They are released when the application shuts down.
 */
@Injectable()
export class LockService {
  readonly #strata: Strata;

  constructor(@Inject(Strata) strata: Strata) {
    this.#strata = strata;
  }

  /**
   * Runs `routine` under the lock, its lease being {@link currentLease} meanwhile, and releases it. The routine's own
   * error is never masked. Defaults: `ttl: '10s'`, `wait: '5s'`, renewed while it runs.
   * @throws LockTimeoutError when not granted within `wait`; LeaseLostError when the lease was lost under a routine that succeeded
   */
  async withLock<T>(key: string, routine: (lease: Lease) => Promise<T> | T, options?: LockOptions): Promise<T> {
    return withCurrentLease(this.#locks, key, routine, options);
  }

  /** A lease to be released by the caller, e.g. with `await using`. @throws LockTimeoutError when not granted within `wait` */
  async acquire(key: string, options?: LockOptions): Promise<Lease> {
    return this.#locks.acquire(key, options);
  }

  /** Null when not granted within `wait` (default 0: at once or not at all). */
  async tryAcquire(key: string, options?: LockOptions): Promise<Lease | null> {
    return this.#locks.tryAcquire(key, options);
  }

  /** Counters and gauges of this process: held, waiting, granted, refused, lost. */
  stats(): LockStats {
    return this.#locks.stats();
  }

  /** Asked for each time: an engine that locks within its process only says so when locks are first used, and not at boot. */
  get #locks(): Locks {
    // overrideProvider() and useMocker() may bring a stand-in that has no locks; nothing runs unlocked because of it.
    if (!(this.#strata instanceof Strata)) throw new CacheConfigError(messages.noLocks('LockService'));
    return this.#strata.locks;
  }
}
