import type { Clock } from '../clock/clock.js';
import { duration } from '../duration.js';
import { CacheConfigError, LeaseLostError, LockError, LockTimeoutError } from '../errors.js';
import { asBoolean, asDuration, asObject, asPositiveDuration, readOptions } from '../options.js';
import type { Lease, LockOptions, Locks, LocksFactory } from './lock.js';
import { MemoryLease, type LeaseOwner } from './memory-lease.js';

/** Defaults of every lock service. */
export const LOCK_DEFAULTS = { ttl: '10s', wait: '5s', renew: true } as const;

const RULES = { ttl: asPositiveDuration, wait: asDuration, renew: asBoolean, signal: asObject };

/** Exclusive locks within this process: the default without Redis. Fair (first come, first served), with rising tokens. */
export function memoryLocks(): LocksFactory {
  return { kind: 'locks', create: (clock) => new MemoryLocks(clock) };
}

interface Waiter {
  readonly ttl: number;
  readonly renew: boolean;
  readonly grant: (lease: MemoryLease) => void;
  readonly refuse: (error: LockError) => void;
}

interface Slot {
  holder: MemoryLease | undefined;
  readonly waiting: Set<Waiter>;
}

class MemoryLocks implements Locks, LeaseOwner {
  readonly #clock: Clock;
  readonly #slots = new Map<string, Slot>();
  /** Also above every token of an earlier process, as long as the wall clock has not been set back meanwhile. */
  #lastToken = 0n;
  #closed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async withLock<T>(key: string, routine: (lease: Lease) => Promise<T> | T, options?: LockOptions): Promise<T> {
    const lease = await this.acquire(key, options);
    let result: T;
    try {
      result = await routine(lease);
    } catch (error) {
      // The routine's own error is the one to report, also when the lease was lost meanwhile.
      await lease.release().catch(() => undefined);
      throw error;
    }
    await lease.release();
    return result;
  }

  async acquire(key: string, options: LockOptions = {}): Promise<Lease> {
    const lease = await this.tryAcquire(key, { wait: LOCK_DEFAULTS.wait, ...options });
    if (lease === null) {
      throw new LockTimeoutError(
        `lock "${key}": not granted within ${duration(options.wait ?? LOCK_DEFAULTS.wait, 'wait')} ms; raise \`wait\`, or shorten what is done under the lock`,
      );
    }
    return lease;
  }

  async tryAcquire(key: string, options: LockOptions = {}): Promise<Lease | null> {
    if (typeof key !== 'string' || key === '') {
      throw new CacheConfigError('lock: the key must be a non-empty string');
    }
    if (this.#closed) {
      throw new LockError(`lock "${key}": the lock service is closed`);
    }
    const given = readOptions(`lock "${key}"`, options, RULES);
    const ttl: number = given.ttl ?? duration(LOCK_DEFAULTS.ttl);
    const signal = given.signal as AbortSignal | undefined;
    signal?.throwIfAborted();
    const slot = this.#slotOf(key);
    const waiter = { ttl, renew: given.renew ?? LOCK_DEFAULTS.renew };
    // Asking a lease that has run out ends it, and that hands the lock to whoever waits: look at the slot only afterwards.
    // 1 a lease runs out while the event loop stands still, 2 a caller asks before its timer, with others waiting.
    if (slot.holder?.isHeld !== true && slot.holder === undefined && slot.waiting.size === 0) {
      return this.#grant(key, slot, waiter);
    }
    return given.wait === undefined || given.wait === 0 ? null : this.#wait(slot, waiter, given.wait, signal);
  }

  #wait(
    slot: Slot,
    options: { ttl: number; renew: boolean },
    wait: number,
    signal?: AbortSignal,
  ): Promise<Lease | null> {
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
        ...options,
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

  #grant(key: string, slot: Slot, { ttl, renew }: { ttl: number; renew: boolean }): MemoryLease {
    const micros = BigInt(Math.floor(this.#clock.wall() * 1_000));
    this.#lastToken = micros > this.#lastToken ? micros : this.#lastToken + 1n;
    const lease = new MemoryLease(key, this.#lastToken, ttl, renew, this.#clock, this);
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
      next.grant(this.#grant(lease.key, slot, next));
    } else {
      this.#slots.delete(lease.key);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const [key, { waiting }] of this.#slots) {
      for (const waiter of Array.from(waiting)) {
        waiter.refuse(new LockError(`lock "${key}": the lock service was closed while waiting`));
      }
    }
    for (const { holder } of Array.from(this.#slots.values())) {
      await holder?.release().catch((error: unknown) => {
        if (!(error instanceof LeaseLostError)) {
          throw error;
        }
      });
    }
  }
}
