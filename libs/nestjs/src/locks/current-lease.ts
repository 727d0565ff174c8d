import { AsyncLocalStorage } from 'node:async_hooks';
import type { Lease, LockOptions, Locks } from '@strata-cache/core';

/** Belongs to the call and not to this module: calls of two applications in one process do not see each other's. */
const leases = new AsyncLocalStorage<Lease>();

/**
 * The lease under which the calling code runs: that of the innermost `@Locked` method or `LockService.withLock`.
 * Undefined outside of any. Work that was started under a lock and not awaited still sees its lease when it has ended,
 * and learns that from `assertHeld()`.
 */
export function currentLease(): Lease | undefined {
  return leases.getStore();
}

/** `locks.withLock`, with the lease as the current one of whatever the routine calls. */
export async function withCurrentLease<T>(
  locks: Locks,
  key: string,
  routine: (lease: Lease) => Promise<T> | T,
  options: LockOptions | undefined,
): Promise<T> {
  return locks.withLock(key, (lease) => leases.run(lease, routine, lease), options);
}
