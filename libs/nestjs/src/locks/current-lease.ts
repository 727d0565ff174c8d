import { AsyncLocalStorage } from 'node:async_hooks';
import type { Lease, LockOptions, Locks } from '@strata-cache/core';

interface Held {
  readonly lease: Lease;
  readonly outer: Held | undefined;
  /** Work that was started under the lock and not awaited keeps the context, but is under that lock no more. */
  over: boolean;
}

/**
 * The leases the calling code runs under. Belongs to the call and not to this module: calls of two applications in one
 * process do not see each other's. Switched off while no lock is held: before Node 24 an AsyncLocalStorage in use makes
 * every promise of the process about twice as expensive, cache hits included.
 */
class LeaseContext {
  readonly #context = new AsyncLocalStorage<Held>();
  #running = 0;

  get innermost(): Lease | undefined {
    let held = this.#context.getStore();
    while (held?.over) held = held.outer;
    return held?.lease;
  }

  async run<T>(lease: Lease, routine: (lease: Lease) => Promise<T> | T): Promise<T> {
    const held: Held = { lease, outer: this.#context.getStore(), over: false };
    this.#running++;
    try {
      return await this.#context.run(held, routine, lease);
    } finally {
      held.over = true;
      if (--this.#running === 0) this.#context.disable();
    }
  }
}

const context = new LeaseContext();

/**
 * The lease under which the calling code runs: that of the innermost `@Locked` method or `LockService.withLock` that has
 * not returned. Undefined outside of any. It may have been lost meanwhile, which `assertHeld()` tells.
 */
export function currentLease(): Lease | undefined {
  return context.innermost;
}

/** `locks.withLock`, with the lease as the current one of whatever the routine calls. */
export async function withCurrentLease<T>(
  locks: Locks,
  key: string,
  routine: (lease: Lease) => Promise<T> | T,
  options: LockOptions | undefined,
): Promise<T> {
  return locks.withLock(key, async (lease) => context.run(lease, routine), options);
}
