import type { Duration } from '../duration.js';
import type { Lease } from './lock.js';

/** A lease of an outer `withLock`, as a reentrant call sees it: whoever acquired it releases it. */
export class BorrowedLease implements Lease {
  readonly #lease: Lease;

  constructor(lease: Lease) {
    this.#lease = lease;
  }

  get key(): string {
    return this.#lease.key;
  }

  get token(): bigint {
    return this.#lease.token;
  }

  get signal(): AbortSignal {
    return this.#lease.signal;
  }

  assertHeld(): void {
    this.#lease.assertHeld();
  }

  async extend(ttl: Duration): Promise<void> {
    await this.#lease.extend(ttl);
  }

  async release(): Promise<void> {
    this.#lease.assertHeld();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Nothing to give back.
  }
}
