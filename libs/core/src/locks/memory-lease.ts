import type { Clock, TimerHandle } from '../clock/clock.js';
import { duration, type Duration } from '../duration.js';
import { LeaseLostError } from '../errors.js';
import type { Lease } from './lock.js';

/** What a lease tells its lock. */
export interface LeaseOwner {
  /** The lease has ended, by release or by loss: the next waiter may have the lock. */
  ended(lease: MemoryLease): void;
}

/** A grant in this process. Its end is computed from the clock; timers only make it known. */
export class MemoryLease implements Lease {
  readonly key: string;
  readonly token: bigint;
  readonly #clock: Clock;
  readonly #owner: LeaseOwner;
  readonly #controller = new AbortController();
  readonly #renew: boolean;
  #ttl: number;
  #validUntil: number;
  #timer: TimerHandle | undefined;
  #state: 'held' | 'released' | 'lost' = 'held';

  constructor(key: string, token: bigint, ttl: number, renew: boolean, clock: Clock, owner: LeaseOwner) {
    this.key = key;
    this.token = token;
    this.#clock = clock;
    this.#owner = owner;
    this.#ttl = ttl;
    this.#renew = renew;
    this.#validUntil = clock.now() + ttl;
    this.#arm();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** True while exclusivity holds; finding out that it does not ends the lease. */
  get isHeld(): boolean {
    if (this.#state === 'held' && this.#clock.now() >= this.#validUntil) {
      this.#lose();
    }
    return this.#state === 'held';
  }

  assertHeld(): void {
    if (!this.isHeld) {
      throw this.#lost();
    }
  }

  async extend(ttl: Duration): Promise<void> {
    this.assertHeld();
    this.#ttl = duration(ttl, 'extend: ttl');
    this.#validUntil = this.#clock.now() + this.#ttl;
    this.#arm();
  }

  async release(): Promise<void> {
    if (this.#state === 'released') {
      return;
    }
    this.assertHeld();
    this.#state = 'released';
    this.#disarm();
    this.#owner.ended(this);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.isHeld) {
      await this.release();
    }
  }

  #arm(): void {
    this.#disarm();
    const left = this.#validUntil - this.#clock.now();
    const wait = this.#renew ? Math.min(this.#ttl / 3, left) : left;
    this.#timer = this.#clock.setTimeout(() => {
      // A stalled event loop may come here too late to renew: then the lease is lost, whatever was planned.
      if (this.isHeld) {
        this.#validUntil = this.#renew ? this.#clock.now() + this.#ttl : this.#validUntil;
        this.#arm();
      }
    }, wait);
  }

  #disarm(): void {
    if (this.#timer !== undefined) {
      this.#clock.clearTimeout(this.#timer);
      this.#timer = undefined;
    }
  }

  #lose(): void {
    this.#state = 'lost';
    this.#disarm();
    this.#controller.abort(this.#lost());
    this.#owner.ended(this);
  }

  #lost(): LeaseLostError {
    return new LeaseLostError(
      this.#state === 'released'
        ? `lock "${this.key}": the lease has been released`
        : `lock "${this.key}": the lease ran out; nothing guarded by it may be written any more`,
    );
  }
}
