import type { Clock, TimerHandle } from '../clock/clock.js';
import { show, type Duration } from '../duration.js';
import type { LeaseLostError } from '../errors.js';
import type { Lease } from './lock.js';
import { asLockTtl, type LeaseEnd } from './lock-request.js';
import { lostLease, type LeaseState } from './lost-lease.js';

/** What a lease tells its lock. */
export interface LeaseOwner {
  /** The lease has ended, by release or by loss: the next waiter may have the lock. */
  ended(lease: MemoryLease): void;
}

export interface MemoryGrant {
  readonly key: string;
  readonly token: bigint;
  /** ms */
  readonly ttl: number;
  readonly renew: boolean;
  readonly ended: (how: LeaseEnd) => void;
}

/** A grant in this process. Its end is computed from the clock; timers only make it known. */
export class MemoryLease implements Lease {
  readonly key: string;
  readonly token: bigint;
  readonly #clock: Clock;
  readonly #owner: LeaseOwner;
  /** Made when it is asked for: it is the dearest part of a lease, and most need none. */
  #controller: AbortController | undefined;
  readonly #renew: boolean;
  readonly #ended: (how: LeaseEnd) => void;
  #ttl: number;
  #validUntil: number;
  #timer: TimerHandle | undefined;
  #state: LeaseState = 'held';

  constructor({ key, token, ttl, renew, ended }: MemoryGrant, clock: Clock, owner: LeaseOwner) {
    this.key = key;
    this.token = token;
    this.#clock = clock;
    this.#owner = owner;
    this.#ttl = ttl;
    this.#renew = renew;
    this.#ended = ended;
    this.#validUntil = clock.now() + ttl;
    this.#arm();
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#state === 'lost' || this.#state === 'revoked') {
        this.#controller.abort(this.#lost());
      }
    }
    return this.#controller.signal;
  }

  /** True while exclusivity holds; finding out that it does not ends the lease. */
  get isHeld(): boolean {
    if (this.#state === 'held' && this.#clock.now() >= this.#validUntil) {
      this.#end('lost');
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
    this.#ttl = asLockTtl(ttl, `lock ${show(this.key)}: extend`);
    this.#validUntil = this.#clock.now() + this.#ttl;
    this.#arm();
  }

  async release(): Promise<void> {
    if (this.#state === 'released') {
      return;
    }
    this.assertHeld();
    this.#end('released');
  }

  /** The lock service is closing: whoever runs under the lease is told before it is anybody else's. */
  revoke(): void {
    if (this.isHeld) {
      this.#end('revoked');
    }
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

  #end(how: LeaseState): void {
    this.#state = how;
    this.#disarm();
    if (how !== 'released') {
      this.#controller?.abort(this.#lost());
    }
    this.#ended(how === 'lost' ? 'lost' : 'released');
    this.#owner.ended(this);
  }

  #lost(): LeaseLostError {
    return lostLease(this.key, this.#state);
  }
}
