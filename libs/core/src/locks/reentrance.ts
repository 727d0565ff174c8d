import { AsyncLocalStorage } from 'node:async_hooks';
import type { Lease } from './lock.js';

interface Held {
  readonly key: string;
  readonly lease: Lease;
  readonly outer: Held | undefined;
  /** Work that was started inside and outlives its `withLock` keeps the context, but is under no lock any more. */
  over: boolean;
}

/**
 * Which leases the caller runs under. Entered by reentrant calls only, and switched off when the last of them ends: before Node 24 an
 * AsyncLocalStorage in use makes every promise of the process about twice as expensive.
 */
export class Reentrance {
  readonly #context = new AsyncLocalStorage<Held>();
  #running = 0;

  /** The lease of `key` the caller runs under, if any; it may have been lost meanwhile. */
  find(key: string): Lease | undefined {
    for (let held = this.#context.getStore(); held !== undefined; held = held.outer) {
      if (held.key === key && !held.over) {
        return held.lease;
      }
    }
    return undefined;
  }

  async run<T>(lease: Lease, routine: () => Promise<T>): Promise<T> {
    const held: Held = { key: lease.key, lease, outer: this.#context.getStore(), over: false };
    this.#running++;
    try {
      return await this.#context.run(held, routine);
    } finally {
      held.over = true;
      if (--this.#running === 0) {
        this.#context.disable();
      }
    }
  }
}
