import {
  asLockTtl,
  lostLease,
  type Clock,
  type Duration,
  type Lease,
  type LeaseEnd,
  type LeaseState,
  type TimerHandle,
} from '@strata-cache/core';
import { leftOf, markNow, type Mark } from './lease-time.js';
import { named } from './lock-keys.js';

/** What a lease asks of the server. */
export interface LeaseServer {
  /** False when the lock is somebody else's, or nobody's. Rejects when that could not be found out. */
  prolong(ttl: number, generation: number): Promise<boolean>;
  /** The same, tried again until it is answered or `goOn` says no. */
  insistProlong(ttl: number, generation: number, goOn: () => boolean): Promise<boolean>;
  unlock(goOn: () => boolean): Promise<boolean>;
  /** The lease has ended. `forgotten`: the server may still believe in it. */
  ended(lease: RedisLease, how: LeaseEnd, forgotten: boolean): void;
}

export interface RedisGrant {
  readonly key: string;
  readonly token: bigint;
  /** ms */
  readonly ttl: number;
  readonly renew: boolean;
  /** Before the request was sent. */
  readonly sent: Mark;
}

/** Between two attempts to renew that failed, ms. */
const RETRY = 50;

/**
 * A grant of the server. How long it may be believed is computed here, from before it was asked for, and never needs the server: with Redis
 * out of reach the lease ends by itself, before Redis could give the lock to anybody else.
 */
export class RedisLease implements Lease {
  readonly key: string;
  readonly token: bigint;
  readonly #clock: Clock;
  readonly #server: LeaseServer;
  /** Made when it is asked for: it is the dearest part of a lease, and most need none. */
  #controller: AbortController | undefined;
  readonly #renew: boolean;
  #ttl: number;
  #sent: Mark;
  /** Rises with each `extend`: a renewal of the old ttl that comes late must not shorten the new one. */
  #generation = 0;
  #renewing = false;
  #retryAt = 0;
  #timer: TimerHandle | undefined;
  #state: LeaseState = 'held';
  #releasing: Promise<void> | undefined;

  constructor({ key, token, ttl, renew, sent }: RedisGrant, clock: Clock, server: LeaseServer) {
    this.key = key;
    this.token = token;
    this.#clock = clock;
    this.#server = server;
    this.#renew = renew;
    this.#ttl = ttl;
    this.#sent = sent;
    this.#arm();
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#state === 'lost' || this.#state === 'revoked') {
        this.#controller.abort(lostLease(this.key, this.#state));
      }
    }
    return this.#controller.signal;
  }

  /** True while exclusivity holds; finding out that it does not ends the lease. */
  get isHeld(): boolean {
    if (this.#state === 'held' && leftOf(this.#clock, this.#sent, this.#ttl) <= 0) {
      this.#end('lost', true);
    }
    return this.#state === 'held';
  }

  assertHeld(): void {
    if (!this.isHeld) {
      throw lostLease(this.key, this.#state);
    }
  }

  async extend(ttl: Duration): Promise<void> {
    const wanted = asLockTtl(ttl, `${named(this.key)}: extend`);
    this.assertHeld();
    const generation = ++this.#generation;
    const sent = markNow(this.#clock);
    if (leftOf(this.#clock, sent, wanted) < leftOf(this.#clock, this.#sent, this.#ttl)) {
      // From now on the server may have the shorter one, whether we hear of it or not.
      this.#believe(sent, wanted);
    }
    const owned = await this.#server.insistProlong(wanted, generation, () => this.isHeld);
    if (!owned && this.#state === 'held') {
      this.#end('lost', false);
    }
    this.assertHeld();
    if (generation === this.#generation) {
      this.#believe(sent, wanted);
      // The answer may have taken long enough for that to be over, too.
      this.assertHeld();
    }
  }

  async release(): Promise<void> {
    if (this.#releasing === undefined) {
      this.assertHeld();
      this.#releasing = this.#giveBack();
    }
    await this.#releasing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.isHeld) {
      await this.release();
    }
  }

  /** The lock service is closing: whoever runs under the lease is told before it is anybody else's. */
  async revoke(): Promise<void> {
    if (this.#releasing !== undefined) {
      // Whoever is giving it back needs the connection until that is answered.
      await this.#releasing;
    } else if (this.isHeld) {
      this.#end('revoked', false);
      await this.#server.unlock(() => this.#left() > 0);
    }
  }

  async #giveBack(): Promise<void> {
    this.#stop('released');
    let owned = false;
    try {
      owned = await this.#server.unlock(() => this.#left() > 0);
    } catch (error) {
      this.#server.ended(this, 'released', false);
      throw error;
    }
    if (owned) {
      this.#server.ended(this, 'released', false);
    } else {
      this.#end('lost', false);
      throw lostLease(this.key, 'lost');
    }
  }

  #left(): number {
    return leftOf(this.#clock, this.#sent, this.#ttl);
  }

  #believe(sent: Mark, ttl: number): void {
    this.#sent = sent;
    this.#ttl = ttl;
    this.#arm();
  }

  #arm(): void {
    if (this.#timer !== undefined) {
      this.#clock.clearTimeout(this.#timer);
    }
    if (this.#state !== 'held') {
      return;
    }
    const left = this.#left();
    const now = this.#clock.now();
    const due = Math.max(this.#sent.monotonic + this.#ttl / 3, this.#retryAt) - now;
    // Also while a renewal is under way: the end does not wait for its answer.
    const wait = this.#renew && !this.#renewing ? Math.min(due, left) : left;
    this.#timer = this.#clock.setTimeout(() => this.#look(), Math.max(wait, 0));
  }

  #look(): void {
    this.#timer = undefined;
    if (!this.isHeld) {
      return;
    }
    const due = Math.max(this.#sent.monotonic + this.#ttl / 3, this.#retryAt);
    if (this.#renew && !this.#renewing && this.#clock.now() >= due) {
      this.#renewNow();
    }
    this.#arm();
  }

  #renewNow(): void {
    const [generation, ttl, sent] = [this.#generation, this.#ttl, markNow(this.#clock)];
    this.#renewing = true;
    this.#server.prolong(ttl, generation).then(
      (owned) => {
        this.#renewing = false;
        if (!owned && this.#state === 'held') {
          this.#end('lost', false);
        } else if (this.isHeld && generation === this.#generation) {
          this.#believe(sent, ttl);
        } else {
          // An extend has overtaken it, and may fail: what is believed still is to be renewed in time.
          this.#arm();
        }
      },
      () => {
        this.#renewing = false;
        this.#retryAt = this.#clock.now() + RETRY;
        this.#arm();
      },
    );
  }

  #stop(state: LeaseState): void {
    this.#state = state;
    this.#arm();
  }

  #end(state: 'revoked' | 'lost', forgotten: boolean): void {
    this.#stop(state);
    this.#controller?.abort(lostLease(this.key, state));
    this.#server.ended(this, state === 'lost' ? 'lost' : 'released', forgotten);
  }
}
