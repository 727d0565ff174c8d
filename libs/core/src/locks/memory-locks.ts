import type { Clock } from '../clock/clock.js';
import { show } from '../duration.js';
import { LockError } from '../errors.js';
import { ExclusiveLocks, type Locker } from './exclusive-locks.js';
import type { Lease, LocksFactory } from './lock.js';
import type { LeaseEnd, LockRequest } from './lock-request.js';
import { MemoryLease, type LeaseOwner } from './memory-lease.js';

/** Exclusive locks within this process: the default without Redis. Fair (first come, first served), with rising tokens. */
export function memoryLocks(): LocksFactory {
  return {
    kind: 'locks',
    create: (clock, context) => new ExclusiveLocks(new MemoryLocker(clock), clock, context?.observer),
  };
}

interface Waiter {
  readonly request: LockRequest;
  readonly ended: (how: LeaseEnd) => void;
  readonly grant: (lease: MemoryLease) => void;
  readonly refuse: (error: LockError) => void;
}

interface Slot {
  holder: MemoryLease | undefined;
  readonly waiting: Set<Waiter>;
}

class MemoryLocker implements Locker, LeaseOwner {
  readonly #clock: Clock;
  readonly #slots = new Map<string, Slot>();
  /** Also above every token of an earlier process, as long as the wall clock has not been set back meanwhile. */
  #lastToken = 0n;
  #closed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async take(request: LockRequest, ended: (how: LeaseEnd) => void): Promise<Lease | null> {
    // Both were looked at before, but an observer may take his time until he goes on.
    request.signal?.throwIfAborted();
    if (this.#closed) {
      throw new LockError(`lock ${show(request.key)}: the lock service is closed`);
    }
    const slot = this.#slotOf(request.key);
    // Asking a lease that has run out ends it, and that hands the lock to whoever waits: look at the slot only afterwards.
    // 1 a lease runs out while the event loop stands still, 2 a caller asks before its timer, with others waiting.
    if (slot.holder?.isHeld !== true && slot.holder === undefined && slot.waiting.size === 0) {
      return this.#grant(slot, request, ended);
    }
    request.queueLength = slot.waiting.size;
    return request.wait === 0 ? null : this.#wait(slot, request, ended);
  }

  #wait(slot: Slot, request: LockRequest, ended: (how: LeaseEnd) => void): Promise<Lease | null> {
    const { signal, wait } = request;
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        slot.waiting.delete(waiter);
        this.#clock.clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
      };
      const onAbort = (): void => {
        leave();
        reject(signal!.reason as Error);
      };
      const waiter: Waiter = {
        request,
        ended,
        grant: (lease) => {
          leave();
          resolve(lease);
        },
        refuse: (error) => {
          leave();
          reject(error);
        },
      };
      const timer = this.#clock.setTimeout(() => {
        leave();
        resolve(null);
      }, wait);
      signal?.addEventListener('abort', onAbort, { once: true });
      slot.waiting.add(waiter);
    });
  }

  #slotOf(key: string): Slot {
    let slot = this.#slots.get(key);
    if (slot === undefined) {
      slot = { holder: undefined, waiting: new Set() };
      this.#slots.set(key, slot);
    }
    return slot;
  }

  #grant(slot: Slot, { key, ttl, renew }: LockRequest, ended: (how: LeaseEnd) => void): MemoryLease {
    const micros = BigInt(Math.floor(this.#clock.wall() * 1_000));
    this.#lastToken = micros > this.#lastToken ? micros : this.#lastToken + 1n;
    const lease = new MemoryLease({ key, token: this.#lastToken, ttl, renew, ended }, this.#clock, this);
    slot.holder = lease;
    // The lease before may have ended just now and taken the slot out.
    this.#slots.set(key, slot);
    return lease;
  }

  ended(lease: MemoryLease): void {
    const slot = this.#slots.get(lease.key);
    if (slot === undefined || slot.holder !== lease) {
      return;
    }
    slot.holder = undefined;
    const [next] = slot.waiting;
    if (next !== undefined) {
      next.grant(this.#grant(slot, next.request, next.ended));
    } else {
      this.#slots.delete(lease.key);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const [key, { waiting }] of this.#slots) {
      for (const waiter of Array.from(waiting)) {
        waiter.refuse(new LockError(`lock ${show(key)}: the lock service was closed while waiting`));
      }
    }
    for (const { holder } of Array.from(this.#slots.values())) {
      holder?.revoke();
    }
  }
}
